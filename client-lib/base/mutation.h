/* A mutation under construction, and its encoding.
 *
 * Fields are kept apart until the mutation is sent: setting one twice replaces it, and the name of
 * a custom field, of which a mutation alone cannot know the kind, waits as text for the replica. */
#ifndef TANDEM_CLIENT_LIB_MUTATION_H
#define TANDEM_CLIENT_LIB_MUTATION_H

#include "client-lib/base/record.h"
#include "protocol/bytes.h"
#include "tandem/tandem.h"

/* Appends the encoded array of changes, custom fields resolved by `source`. The mutation's own
 * error, or what is wrong with a custom field, is returned with `fault` filled. */
enum status mutation_encode(const struct tandem_mutation *mutation,
                            const struct field_source *source, struct buffer *out,
                            tandem_fault *fault);
uint64_t mutation_base(const struct tandem_mutation *mutation);
bool mutation_overwrites(const struct tandem_mutation *mutation);

/* Names of `entity` (which may be unknown) that look like `name`: "did you mean phoneNumber?", or
 * "". */
void field_hint(struct bytes entity, struct bytes name, char *out, size_t size);

#endif
