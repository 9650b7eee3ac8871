/* The client's side of connecting: the first byte chooses whether the rest is the address, or the
 * server's answer to the upgrade, which must mean the same however it is cut into pieces. */
#include "fuzz.h"

#include <string.h>

#include "client-lib/link/upgrade.h"

static const char accept_text[UPGRADE_ACCEPT_SIZE] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static enum upgrade_result feed(struct bytes answer, size_t piece, size_t *used)
{
    struct upgrade upgrade;
    tandem_fault fault;
    enum upgrade_result result = UPGRADE_MORE;
    upgrade_init(&upgrade, accept_text);
    *used = 0;
    while (result == UPGRADE_MORE && *used < answer.size) {
        const size_t left = answer.size - *used, given = left < piece ? left : piece;
        size_t taken = 0;
        result = upgrade_feed(&upgrade, bytes_of(answer.data + *used, given), &taken, &fault);
        if (result == UPGRADE_MORE)
            taken = given;
        MUST(taken <= given);
        *used += taken;
        if (result == UPGRADE_FAILED)
            MUST(fault.code != STATUS_OK && fault.detail[0] != '\0');
    }
    return result;
}

static void use_answer(struct bytes answer, size_t piece)
{
    size_t whole = 0, pieces = 0;
    const enum upgrade_result result = feed(answer, SIZE_MAX, &whole);
    MUST(feed(answer, piece, &pieces) == result);
    if (result != UPGRADE_DONE)
        return;
    MUST(whole == pieces && whole <= UPGRADE_HEAD_MAX);
    MUST(memcmp(answer.data, "HTTP/1.1 101", 12) == 0);
    MUST(memcmp(answer.data + whole - 4, "\r\n\r\n", 4) == 0);
    MUST(memmem(answer.data, whole, accept_text, strlen(accept_text)) != NULL);
    MUST(memmem(answer.data, whole - 1, "\r\n\r\n", 4) == NULL);
}

static void use_address(const char *text)
{
    struct url url, again;
    tandem_fault fault;
    struct buffer request = {0};
    char rebuilt[sizeof url + 32];
    if (url_parse(text, &url, &fault) != STATUS_OK) {
        MUST(fault.code == STATUS_USAGE && fault.detail[0] != '\0');
        return;
    }
    snprintf(rebuilt, sizeof rebuilt, "wss://%s%s%s:%s%s", url.is_ipv6 ? "[" : "", url.host,
             url.is_ipv6 ? "]" : "", url.port, url.path);
    MUST(url_parse(rebuilt, &again, &fault) == STATUS_OK);
    MUST(memcmp(&url, &again, sizeof url) == 0);
    upgrade_request(&url, "dGhlIHNhbXBsZSBub25jZQ==", &request);
    unsigned lines = 0;
    for (size_t i = 0; i < request.size; i++) {
        MUST(request.data[i] >= ' ' || request.data[i] == '\r' || request.data[i] == '\n');
        lines += request.data[i] == '\n';
    }
    MUST(lines == 8); /* so that nothing in an address adds to the request's head */
    buffer_release(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] != 'w') {
        use_answer(bytes_of(data + 1, size - 1), data[0] % 64u + 1);
        return 0;
    }
    char *text = malloc(size + 1);
    MUST(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    use_address(text);
    free(text);
    return 0;
}
