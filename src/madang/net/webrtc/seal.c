/* The fan-out's inner loop: for each viewer of a group, the packets of a frame are sealed by AES-128-GCM (RFC 7714)
 * and handed to the kernel, many viewers with one sendmmsg. `native.py` loads it where the build could make it; its
 * twin in Python is `fanout.Group._send`. OpenSSL's libcrypto is opened at run time: no header of it is needed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TAG 16
#define MESSAGES 512
#define CHUNK_BYTES (256 * 1024)
#define SEGMENT 103 /* UDP_SEGMENT */
#define GET_TAG 0x10

struct packet {
    uint32_t at, header, payload; /* where it is in `plain`; lengths of its header and payload */
    uint8_t base[12];             /* the nonce before the salt */
};

struct run {
    uint32_t at, length, segment; /* in `plain`; segment 0 for a single packet */
};

struct viewer {
    void *context;
    uint8_t salt[12];
    struct sockaddr_storage address;
    socklen_t address_length;
};

static void *(*context_new)(void);
static void (*context_free)(void *);
static const void *(*cipher)(void);
static int (*init)(void *, const void *, void *, const uint8_t *, const uint8_t *);
static int (*update)(void *, uint8_t *, int *, const uint8_t *, int);
static int (*finish)(void *, uint8_t *, int *);
static int (*control)(void *, int, int, void *);

static uint8_t *buffer;
static size_t buffer_length;

/* Whether libcrypto is there with all that is needed. */
int seal_open(const char *library) {
    void *crypto = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!crypto) return 0;
    context_new = dlsym(crypto, "EVP_CIPHER_CTX_new");
    context_free = dlsym(crypto, "EVP_CIPHER_CTX_free");
    cipher = dlsym(crypto, "EVP_aes_128_gcm");
    init = dlsym(crypto, "EVP_EncryptInit_ex");
    update = dlsym(crypto, "EVP_EncryptUpdate");
    finish = dlsym(crypto, "EVP_EncryptFinal_ex");
    control = dlsym(crypto, "EVP_CIPHER_CTX_ctrl");
    return context_new && context_free && cipher && init && update && finish && control;
}

void viewer_free(struct viewer *viewer) {
    if (!viewer) return;
    if (viewer->context) context_free(viewer->context);
    free(viewer);
}

/* A viewer with its session key and salt, at a socket address of `length` bytes; NULL when that failed. */
struct viewer *viewer_new(const uint8_t *key, const uint8_t *salt, const void *address, uint32_t length) {
    struct viewer *viewer = calloc(1, sizeof *viewer);
    if (!viewer || length > sizeof viewer->address) {
        free(viewer);
        return NULL;
    }
    memcpy(viewer->salt, salt, 12);
    memcpy(&viewer->address, address, length);
    viewer->address_length = length;
    viewer->context = context_new();
    if (!viewer->context || init(viewer->context, cipher(), NULL, key, NULL) != 1) {
        viewer_free(viewer);
        return NULL;
    }
    return viewer;
}

static int seal(const struct viewer *viewer, const struct packet *packet, const uint8_t *plain, uint8_t *out) {
    uint8_t nonce[12];
    int length = 0;
    for (int i = 0; i < 12; i++) nonce[i] = packet->base[i] ^ viewer->salt[i];
    const uint8_t *header = plain + packet->at;
    uint8_t *sealed = out + packet->at;
    memcpy(sealed, header, packet->header);
    sealed += packet->header;
    return init(viewer->context, NULL, NULL, NULL, nonce) == 1
        && update(viewer->context, NULL, &length, header, (int)packet->header) == 1
        && update(viewer->context, sealed, &length, header + packet->header, (int)packet->payload) == 1
        && finish(viewer->context, sealed + packet->payload, &length) == 1
        && control(viewer->context, GET_TAG, TAG, sealed + packet->payload) == 1;
}

/* Sends to each viewer; returns how many have all of it. `error` is 0, or the errno that ended it.
 * `plain` has each packet as header, payload and room for the tag. */
int seal_send(int fd, struct viewer **viewers, int count, const uint8_t *plain, uint32_t length,
              const struct packet *packets, int packet_count, const struct run *runs, int run_count, int *error) {
    static struct mmsghdr messages[MESSAGES];
    static struct iovec vectors[MESSAGES];
    static union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr aligned;
    } segments[MESSAGES];
    int done = 0;

    *error = 0;
    if (!length || run_count < 1 || run_count > MESSAGES) {
        *error = EINVAL;
        return 0;
    }
    int chunk = CHUNK_BYTES / (int)length;
    if (chunk > MESSAGES / run_count) chunk = MESSAGES / run_count;
    if (chunk < 1) chunk = 1;
    if (chunk > count) chunk = count;
    if ((size_t)chunk * length > buffer_length) {
        uint8_t *grown = realloc(buffer, (size_t)chunk * length);
        if (!grown) {
            *error = ENOMEM;
            return 0;
        }
        buffer = grown;
        buffer_length = (size_t)chunk * length;
    }
    while (done < count) {
        int now = count - done < chunk ? count - done : chunk, made = 0, sent = 0;
        for (int i = 0; i < now; i++) {
            struct viewer *viewer = viewers[done + i];
            uint8_t *out = buffer + (size_t)i * length;
            for (int p = 0; p < packet_count; p++)
                if (!seal(viewer, &packets[p], plain, out)) {
                    *error = EIO;
                    return done;
                }
            for (int r = 0; r < run_count; r++, made++) {
                struct msghdr *header = &messages[made].msg_hdr;
                vectors[made].iov_base = out + runs[r].at;
                vectors[made].iov_len = runs[r].length;
                memset(header, 0, sizeof *header);
                header->msg_name = &viewer->address;
                header->msg_namelen = viewer->address_length;
                header->msg_iov = &vectors[made];
                header->msg_iovlen = 1;
                if (runs[r].segment) {
                    uint16_t size = (uint16_t)runs[r].segment;
                    header->msg_control = segments[made].bytes;
                    header->msg_controllen = sizeof segments[made].bytes;
                    struct cmsghdr *word = CMSG_FIRSTHDR(header);
                    word->cmsg_level = IPPROTO_UDP;
                    word->cmsg_type = SEGMENT;
                    word->cmsg_len = CMSG_LEN(sizeof size);
                    memcpy(CMSG_DATA(word), &size, sizeof size);
                }
            }
        }
        while (sent < made) {
            int went = sendmmsg(fd, messages + sent, (unsigned)(made - sent), 0);
            if (went < 0) {
                if (errno == EINTR) continue;
                *error = errno;
                return done + sent / run_count;
            }
            sent += went;
        }
        done += now;
    }
    return done;
}
