/* Load for the benchmark, small and without threads:
 *
 *   load serve ADDRESS PORT                       accept, send one octet, close when the client has closed
 *   load connect ADDRESS PORT AT_ONCE SECONDS     connections whose octet arrived, per second
 *   load dns ADDRESS NAME OUTSTANDING SECONDS     answers per second, and the 50th and 99th percentile in microseconds
 *
 * Clients close with a reset (SO_LINGER 0), so no end is left in TIME_WAIT.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define SAMPLES (1 << 22)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in address_of(const char *address, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address: %s\n", address);
        exit(2);
    }
    return to;
}

static void watch(int poller, int fd, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static int serve(const char *address, int port) {
    struct sockaddr_in at = address_of(address, port);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poller = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0) die("bind");
    if (listen(listener, 4096) < 0) die("listen");
    watch(poller, listener, EPOLLIN);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                close(fd);
                continue;
            }
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (send(fd, "x", 1, MSG_NOSIGNAL) < 0) close(fd);
                else watch(poller, fd, EPOLLIN | EPOLLRDHUP);
            }
        }
    }
}

static void open_one(int poller, const struct sockaddr_in *to) {
    struct linger reset = {1, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS) die("connect");
    watch(poller, fd, EPOLLIN | EPOLLRDHUP);
}

static int connects(const char *address, int port, int at_once, double seconds) {
    struct sockaddr_in to = address_of(address, port);
    int poller = epoll_create1(0);
    long done = 0, failed = 0;
    for (int i = 0; i < at_once; i++) open_one(poller, &to);
    double began = now(), over = began + seconds;
    while (now() < over) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(poller, events, EVENTS, 100);
        for (int i = 0; i < count; i++) {
            char octet;
            if (recv(events[i].data.fd, &octet, 1, 0) == 1) done++;
            else failed++;
            close(events[i].data.fd);
            open_one(poller, &to);
        }
    }
    printf("%.0f %ld\n", done / (now() - began), failed);
    return failed > done / 100;
}

static int by_size(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static size_t question(unsigned char *into, const char *name) {
    static const unsigned char head[12] = {0, 0, 1, 0, 0, 1};
    memcpy(into, head, 12);
    size_t at = 12;
    for (const char *label = name; *label;) {
        size_t length = strcspn(label, ".");
        into[at++] = length;
        memcpy(into + at, label, length);
        at += length;
        label += length + (label[length] == '.');
    }
    memcpy(into + at, "\0\0\1\0\1", 5);
    return at + 5;
}

static int dns(const char *address, const char *name, int outstanding, double seconds) {
    struct sockaddr_in to = address_of(address, 53);
    struct timeval patience = {1, 0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
    static double sent[65536];
    float *took = malloc(SAMPLES * sizeof *took);
    unsigned char query[300], answer[2048];
    size_t size = question(query, name);
    long done = 0, lost = 0;
    unsigned short id = 0;
    double began = now(), over = began + seconds;
    for (int i = 0; i < outstanding; i++) {
        query[0] = id >> 8, query[1] = id & 255, sent[id++] = now();
        if (send(fd, query, size, 0) < 0) die("send");
    }
    while (now() < over) {
        ssize_t got = recv(fd, answer, sizeof answer, 0);
        double at = now();
        if (got < 12) lost++;
        else if ((answer[3] & 15) || !answer[7]) {
            fprintf(stderr, "no address in the answer, code %d\n", answer[3] & 15);
            return 1;
        } else if (done < SAMPLES) took[done++] = (at - sent[answer[0] << 8 | answer[1]]) * 1e6;
        query[0] = id >> 8, query[1] = id & 255, sent[id++] = at;
        if (send(fd, query, size, 0) < 0) die("send");
    }
    double elapsed = now() - began;
    qsort(took, done, sizeof *took, by_size);
    printf("%.0f %.0f %.0f %ld\n", done / elapsed, took[done / 2], took[done * 99 / 100], lost);
    return done == 0;
}

int main(int count, char **words) {
    if (count == 4 && !strcmp(words[1], "serve")) return serve(words[2], atoi(words[3]));
    if (count == 6 && !strcmp(words[1], "connect"))
        return connects(words[2], atoi(words[3]), atoi(words[4]), atof(words[5]));
    if (count == 6 && !strcmp(words[1], "dns")) return dns(words[2], words[3], atoi(words[4]), atof(words[5]));
    fprintf(stderr, "usage: load serve|connect|dns …\n");
    return 2;
}
