/* Short TCP connections, as many as there is time for.
 *
 *     connects serve PORT                            accepts and drops connections until it is killed
 *     connects run ADDRESS PORT SECONDS CLIENTS      connects and resets; prints one JSON object
 *
 * Each client is a process that makes one connection after another. Both ends reset (SO_LINGER 0), so that none waits
 * in TIME_WAIT and the ports do not run out. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct linger RESET = {.l_onoff = 1, .l_linger = 0};

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void serve(int port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    int yes = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(listening, SOL_SOCKET, SO_LINGER, &RESET, sizeof RESET); /* what is accepted inherits it */
    if (bind(listening, (struct sockaddr *)&here, sizeof here) != 0 || listen(listening, 4096) != 0)
        die("listen");
    for (;;) {
        int taken = accept(listening, NULL, NULL);
        if (taken >= 0)
            close(taken);
    }
}

struct tally {
    uint64_t made, failed;
    int reason; /* of the last failure */
};

static void make_connections(struct sockaddr_in server, double until, struct tally *tally) {
    const struct timeval patience = {.tv_sec = 1};
    while (now() < until) {
        int sock = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(sock, SOL_SOCKET, SO_LINGER, &RESET, sizeof RESET);
        setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        /* ECONNRESET: the server took the connection and reset it before this process woke up. */
        if (connect(sock, (struct sockaddr *)&server, sizeof server) == 0 || errno == ECONNRESET)
            tally->made++;
        else {
            tally->failed++;
            tally->reason = errno;
        }
        close(sock);
    }
}

static int run(const char *address, int port, double seconds, int clients) {
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &server.sin_addr) != 1)
        die("address");
    struct tally *tallies =
        mmap(NULL, clients * sizeof *tallies, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tallies == MAP_FAILED)
        die("mmap");
    double began = now();
    for (int client = 0; client < clients; client++)
        if (fork() == 0) {
            make_connections(server, began + seconds, &tallies[client]);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    double took = now() - began;
    struct tally sum = {0};
    for (int client = 0; client < clients; client++) {
        sum.made += tallies[client].made;
        sum.failed += tallies[client].failed;
        if (tallies[client].failed)
            sum.reason = tallies[client].reason;
    }
    printf("{\"rate\": %.1f, \"failed\": %lu, \"reason\": \"%s\"}\n", sum.made / took, sum.failed,
           sum.failed ? strerror(sum.reason) : "");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        serve(atoi(argv[2]));
    if (argc == 6 && strcmp(argv[1], "run") == 0 && atoi(argv[5]) > 0)
        return run(argv[2], atoi(argv[3]), atof(argv[4]), atoi(argv[5]));
    fprintf(stderr, "usage: connects serve PORT | connects run ADDRESS PORT SECONDS CLIENTS\n");
    return 2;
}
