/* Keeps a number of DNS queries outstanding on one UDP socket and reports answers a second and latencies.
 *
 *     dnsload ADDRESS PORT NAME OUTSTANDING SECONDS
 *
 * Prints one JSON object. Latency is from the query's send to its answer's receipt, in microseconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 256, SIZE = 1500, BUCKETS = 2000000, LOST_AFTER_US = 1000000 };

static struct {
    uint8_t query[SIZE];
    struct iovec to;
    uint64_t sent;
    uint8_t generation;
} slots[SLOTS];
static uint8_t landing[SLOTS][SIZE];
static uint32_t histogram[BUCKETS];
static uint64_t answers, wrong, lost;

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* RFC 1035, section 4.1: a header asking for recursion, then one question of type A, class IN. */
static size_t write_query(uint8_t *to, const char *name) {
    static const uint8_t header[12] = {0, 0, 1, 0, 0, 1};
    memcpy(to, header, sizeof header);
    uint8_t *at = to + sizeof header;
    while (*name) {
        size_t length = strcspn(name, ".");
        if (length == 0 || length > 63 || at - to + length > 255) {
            fprintf(stderr, "not a domain name\n");
            exit(2);
        }
        *at++ = length;
        memcpy(at, name, length);
        at += length;
        name += length + (name[length] == '.');
    }
    static const uint8_t tail[5] = {0, 0, 1, 0, 1};
    memcpy(at, tail, sizeof tail);
    return at + sizeof tail - to;
}

static void send_all(int sock, const int *which, int count) {
    struct mmsghdr out[SLOTS];
    uint64_t now = now_us();
    for (int i = 0; i < count; i++) {
        int slot = which[i];
        out[i] = (struct mmsghdr){0};
        slots[slot].query[0] = ++slots[slot].generation;
        slots[slot].query[1] = slot;
        slots[slot].sent = now;
        out[i].msg_hdr.msg_iov = &slots[slot].to;
        out[i].msg_hdr.msg_iovlen = 1;
    }
    for (int done = 0; done < count;) {
        int sent = sendmmsg(sock, out + done, count - done, 0);
        if (sent < 0 && errno != ECONNREFUSED)
            die("sendmmsg");
        done += sent > 0 ? sent : 0;
    }
}

/* Books the answers that have come and names their slots in `which`; waits for the first. */
static int receive(int sock, int outstanding, int *which) {
    struct mmsghdr in[SLOTS];
    struct iovec into[SLOTS];
    for (int i = 0; i < outstanding; i++) {
        in[i] = (struct mmsghdr){0};
        into[i] = (struct iovec){landing[i], SIZE};
        in[i].msg_hdr.msg_iov = &into[i];
        in[i].msg_hdr.msg_iovlen = 1;
    }
    int got = recvmmsg(sock, in, outstanding, MSG_WAITFORONE, NULL);
    if (got < 0 && errno != EAGAIN && errno != ECONNREFUSED)
        die("recvmmsg");
    uint64_t now = now_us();
    int count = 0;
    for (int i = 0; i < got; i++) {
        const uint8_t *answer = landing[i];
        int slot = answer[1];
        if (in[i].msg_len < 12 || slot >= outstanding || answer[0] != slots[slot].generation)
            continue;
        if ((answer[3] & 15) != 0 || (answer[6] | answer[7]) == 0)
            wrong++;
        uint64_t took = now - slots[slot].sent;
        histogram[took < BUCKETS ? took : BUCKETS - 1]++;
        answers++;
        which[count++] = slot;
    }
    return count;
}

static int overdue(int outstanding, int *which) {
    int count = 0;
    uint64_t now = now_us();
    for (int slot = 0; slot < outstanding; slot++)
        if (now - slots[slot].sent > LOST_AFTER_US)
            which[count++] = slot;
    lost += count;
    return count;
}

static unsigned percentile(double share) {
    uint64_t wanted = answers * share, seen = 0;
    for (unsigned us = 0; us < BUCKETS; us++)
        if ((seen += histogram[us]) > wanted)
            return us;
    return BUCKETS - 1;
}

int main(int argc, char **argv) {
    if (argc != 6 || atoi(argv[4]) < 1 || atoi(argv[4]) > SLOTS) {
        fprintf(stderr, "usage: dnsload ADDRESS PORT NAME OUTSTANDING(1-%d) SECONDS\n", SLOTS);
        return 2;
    }
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
        die("address");
    int outstanding = atoi(argv[4]), sock = socket(AF_INET, SOCK_DGRAM, 0);
    struct timeval patience = {.tv_usec = 200000};
    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(sock, (struct sockaddr *)&server, sizeof server) != 0)
        die("connect");

    int which[SLOTS];
    for (int slot = 0; slot < outstanding; slot++) {
        size_t size = write_query(slots[slot].query, argv[3]);
        slots[slot].to = (struct iovec){slots[slot].query, size};
        which[slot] = slot;
    }
    uint64_t began = now_us(), until = began + (uint64_t)(atof(argv[5]) * 1e6);
    send_all(sock, which, outstanding);
    while (now_us() < until) {
        int count = receive(sock, outstanding, which);
        send_all(sock, which, count > 0 ? count : overdue(outstanding, which));
    }
    double seconds = (now_us() - began) / 1e6;
    printf("{\"rate\": %.1f, \"p50_us\": %u, \"p99_us\": %u, \"wrong\": %lu, \"lost\": %lu}\n", answers / seconds,
           percentile(0.5), percentile(0.99), wrong, lost);
    return 0;
}
