/* Short TCP connections, one after another, as many as there is time for.
 *
 *     connects serve PORT                    accepts and drops connections until it is killed
 *     connects run ADDRESS PORT SECONDS      connects and resets; prints one JSON object
 *
 * Connections end with RST (SO_LINGER 0), so that no end waits in TIME_WAIT and the ports do not run out. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

static int run(const char *address, int port, double seconds) {
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &server.sin_addr) != 1)
        die("address");
    uint64_t made = 0, failed = 0;
    double began = now(), until = began + seconds;
    while (now() < until) {
        int sock = socket(AF_INET, SOCK_STREAM, 0);
        struct timeval patience = {.tv_sec = 1};
        setsockopt(sock, SOL_SOCKET, SO_LINGER, &RESET, sizeof RESET);
        setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(sock, (struct sockaddr *)&server, sizeof server) == 0)
            made++;
        else
            failed++;
        close(sock);
    }
    double took = now() - began;
    printf("{\"rate\": %.1f, \"failed\": %lu}\n", made / took, failed);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        serve(atoi(argv[2]));
    if (argc == 5 && strcmp(argv[1], "run") == 0)
        return run(argv[2], atoi(argv[3]), atof(argv[4]));
    fprintf(stderr, "usage: connects serve PORT | connects run ADDRESS PORT SECONDS\n");
    return 2;
}
