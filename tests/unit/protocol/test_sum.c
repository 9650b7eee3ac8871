#include "support.h"

#include <stdio.h>
#include <string.h>

#include "protocol/memory.h"
#include "protocol/sum.h"

#define FIELDS 8u
#define TAGS 4u

/* A record in parts that a test can change one of. */
struct sample {
    struct id id;
    uint64_t seq;
    uint32_t field_count, tag_count;
    char names[FIELDS][8];
    struct buffer values[FIELDS];
    struct tag tags[TAGS];
};

static struct id random_id(struct random *random)
{
    struct id id;
    put_u64(id.octet, random_next(random));
    put_u64(id.octet + 8, random_next(random));
    return id;
}

static void sample_make(struct sample *sample, struct random *random)
{
    *sample = (struct sample){.id = random_id(random), .seq = random_number(random)};
    sample->field_count = 1 + (uint32_t)random_below(random, FIELDS);
    sample->tag_count = 1 + (uint32_t)random_below(random, TAGS);
    for (uint32_t i = 0; i < sample->field_count; i++) {
        snprintf(sample->names[i], sizeof sample->names[i], "f%c", (int)('a' + i % 26));
        do {
            buffer_clear(&sample->values[i]);
            random_value(random, 3, &sample->values[i]);
        } while (sample->values[i].data[0] == 0xc0);
    }
    for (uint32_t i = 0; i < sample->tag_count; i++)
        sample->tags[i] = (struct tag){.kind = TAG_PARTNER, .id = random_id(random)};
}

static void sample_release(struct sample *sample)
{
    for (uint32_t i = 0; i < FIELDS; i++)
        buffer_release(&sample->values[i]);
}

static struct bytes name_of(const struct sample *sample, uint32_t field)
{
    return bytes_text(sample->names[field]);
}

static void add_in_order(struct sum *sum, const struct sample *sample)
{
    struct sum_record mixed;
    sum_record_begin(&mixed, sample->id, sample->seq);
    for (uint32_t i = 0; i < sample->field_count; i++)
        assert_true(sum_record_field(&mixed, name_of(sample, i), buffer_bytes(&sample->values[i])));
    for (uint32_t i = 0; i < sample->tag_count; i++)
        sum_record_tag(&mixed, sample->tags[i]);
    sum_add(sum, &mixed);
}

static struct sum sum_of(const struct sample *sample)
{
    struct sum sum = {0};
    add_in_order(&sum, sample);
    return sum;
}

static void add_backwards(struct sum *sum, const struct sample *sample)
{
    struct sum_record mixed;
    sum_record_begin(&mixed, sample->id, sample->seq);
    for (uint32_t i = sample->tag_count; i-- > 0;)
        sum_record_tag(&mixed, sample->tags[i]);
    for (uint32_t i = sample->field_count; i-- > 0;)
        assert_true(sum_record_field(&mixed, name_of(sample, i), buffer_bytes(&sample->values[i])));
    sum_add(sum, &mixed);
}

/* As sent: the keys of the record in an order of their own. */
static void encode(const struct sample *sample, struct buffer *out)
{
    uint8_t octets[TAG_SIZE];
    wire_put_map(out, 5);
    wire_put_text(out, "fields");
    wire_put_map(out, sample->field_count);
    for (uint32_t i = 0; i < sample->field_count; i++) {
        wire_put_str(out, name_of(sample, i));
        wire_put_raw(out, buffer_bytes(&sample->values[i]));
    }
    wire_put_text(out, "modifiedBy");
    wire_put_text(out, "nils");
    wire_put_text(out, "audience");
    wire_put_array(out, sample->tag_count);
    for (uint32_t i = 0; i < sample->tag_count; i++) {
        tag_put(sample->tags[i], octets);
        wire_put_bin(out, bytes_of(octets, sizeof octets));
    }
    wire_put_text(out, "seq");
    wire_put_uint(out, sample->seq);
    wire_put_text(out, "id");
    wire_put_id(out, sample->id);
}

static void no_order_matters(void **state)
{
    struct random random = random_begin("sum order");
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct sample samples[5];
        struct sum forth = {0}, back = {0}, encoded = {0};
        for (int i = 0; i < 5; i++)
            sample_make(&samples[i], &random);
        for (int i = 0; i < 5; i++)
            add_in_order(&forth, &samples[i]);
        for (int i = 5; i-- > 0;)
            add_backwards(&back, &samples[i]);
        for (int i = 0; i < 5; i++) {
            struct buffer out = {0};
            encode(&samples[(i + 2) % 5], &out);
            assert_true(sum_add_encoded(&encoded, buffer_bytes(&out)));
            buffer_release(&out);
        }
        assert_int_equal(forth.count, 5);
        assert_true(sum_equal(&forth, &back));
        assert_true(sum_equal(&forth, &encoded));
        for (int i = 0; i < 5; i++)
            sample_release(&samples[i]);
    }
}

static void assert_changed(const struct sample *sample, const struct sum *before)
{
    const struct sum after = sum_of(sample);
    assert_int_equal(after.count, before->count);
    assert_false(sum_equal(&after, before));
}

/* Another value in place of the field's. */
static void change_value(struct sample *sample, uint32_t field, struct random *random,
                         const struct sum *before)
{
    struct buffer kept = sample->values[field], other = {0};
    do {
        buffer_clear(&other);
        random_value(random, 2, &other);
    } while (other.data[0] == 0xc0 || bytes_equal(buffer_bytes(&other), buffer_bytes(&kept)));
    sample->values[field] = other;
    assert_changed(sample, before);
    buffer_release(&other);
    sample->values[field] = kept;
}

static void any_change_shows(void **state)
{
    struct random random = random_begin("sum change");
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct sample sample;
        sample_make(&sample, &random);
        const struct sum before = sum_of(&sample);
        for (unsigned bit = 0; bit < 8 * ID_SIZE; bit++) {
            sample.id.octet[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_changed(&sample, &before);
            sample.id.octet[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (unsigned bit = 0; bit < 64; bit++) {
            sample.seq ^= UINT64_C(1) << bit;
            assert_changed(&sample, &before);
            sample.seq ^= UINT64_C(1) << bit;
        }
        for (uint32_t i = 0; i < sample.field_count; i++) {
            change_value(&sample, i, &random, &before);
            sample.names[i][0] = 'g';
            assert_changed(&sample, &before);
            sample.names[i][0] = 'f';
        }
        for (uint32_t i = 0; i < sample.tag_count; i++) {
            const struct tag kept = sample.tags[i];
            sample.tags[i].id.octet[random_below(&random, ID_SIZE)] ^= 0x10;
            assert_changed(&sample, &before);
            sample.tags[i] = (struct tag){.kind = TAG_INTERNAL};
            assert_changed(&sample, &before);
            sample.tags[i] = kept;
        }
        sample.tag_count--;
        assert_changed(&sample, &before);
        const struct sum fewer = sum_of(&sample);
        sample.field_count--;
        assert_changed(&sample, &fewer);
        sample_release(&sample);
    }
}

/* Two fields that swap their values add up the same names and the same values. */
static void values_belong_to_their_names_and_records(void **state)
{
    struct sample one = {.seq = 1, .field_count = 2, .names = {"a", "b"}}, two;
    (void)state;
    wire_put_text(&one.values[0], "x");
    wire_put_text(&one.values[1], "y");
    two = one;
    two.values[0] = one.values[1];
    two.values[1] = one.values[0];
    struct sum before = sum_of(&one), after = sum_of(&two);
    assert_false(sum_equal(&before, &after));
    /* Nor may two records swap a field. */
    two.id.octet[0] = 1;
    add_in_order(&before, &two);
    struct sample three = two, four = one;
    three.values[0] = one.values[0];
    three.values[1] = one.values[1];
    four.values[0] = two.values[0];
    four.values[1] = two.values[1];
    after = sum_of(&three);
    add_in_order(&after, &four);
    assert_int_equal(after.count, before.count);
    assert_false(sum_equal(&before, &after));
    sample_release(&one);
}

static struct sum sum_of_value(const char *hex)
{
    struct sum sum = {0};
    struct sum_record mixed;
    struct buffer value = {0};
    hex_read(bytes_text(hex), &value);
    sum_record_begin(&mixed, (struct id){{1}}, 1);
    assert_true(sum_record_field(&mixed, bytes_text("field"), buffer_bytes(&value)));
    sum_add(&sum, &mixed);
    buffer_release(&value);
    return sum;
}

static void values_count_and_their_encoding_does_not(void **state)
{
    static const char *const same[][2] = {
        {"05", "cf0000000000000005"},
        {"ff", "d3ffffffffffffffff"},
        {"a161", "db0000000161"},
        {"c40161", "c60000000161"},
        {"9101", "dd00000001d10001"},
        {"82 a161 01 a162 02", "82 a162 02 a161 01"},
        {"81 a161 82 a162 02 a163 03", "de0001 d90161 82 a163 03 a162 cc02"},
    };
    static const char *const different[] = {
        "c2",
        "c3",
        "00",
        "01",
        "ff",
        "cfffffffffffffffff",
        "a0",
        "a130",
        "c400",
        "c40130",
        "90",
        "80",
        "9100",
        "920001",
        "920100",
        "9290a0",
        "81a16100",
        "81a0a0",
        "9190",
        "919190",
        "92c2c3",
        "92c3c2",
        "82a16100a16201",
        "82a16101a16200",
        "81a161c0",
        "c4050000000000",
        "ae0000000000000000000000000000",
    };
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const struct sum one = sum_of_value(same[i][0]), other = sum_of_value(same[i][1]);
        assert_true(sum_equal(&one, &other));
    }
    for (size_t i = 0; i < sizeof different / sizeof *different; i++)
        for (size_t k = 0; k < i; k++) {
            const struct sum one = sum_of_value(different[i]), other = sum_of_value(different[k]);
            assert_false(sum_equal(&one, &other));
        }
}

static void a_field_that_is_nil_is_not_set(void **state)
{
    struct sum_record with, without;
    (void)state;
    sum_record_begin(&with, (struct id){{1}}, 1);
    without = with;
    assert_true(sum_record_field(&with, bytes_text("field"), bytes_of("\xc0", 1)));
    struct sum one = {0}, other = {0};
    sum_add(&one, &with);
    sum_add(&other, &without);
    assert_true(sum_equal(&one, &other));
}

static void what_is_no_value_or_record_adds_nothing(void **state)
{
    static const char *const values[] = {"",           "c1",       "a2 61", "92 01",
                                         "82 a161 01", "81 01 01", "01 01", "ca 00000000",
                                         "91 91 c1",   "c4 05 00"};
    static const char *const records[] = {
        "",
        "c0",
        "90",
        "80",
        "81 a26964 c410 00000000000000000000000000000000",
        "82 a26964 c40f 000000000000000000000000000000 a3736571 01",
        "82 a26964 c410 00000000000000000000000000000000 a3736571 ff",
        "83 a26964 c410 00000000000000000000000000000000 a3736571 01 a66669656c6473 90",
        "83 a26964 c410 00000000000000000000000000000000 a3736571 01 a66669656c6473 81 01 01",
        "83 a26964 c410 00000000000000000000000000000000 a3736571 01 a861756469656e6365 80",
        "83 a26964 c410 00000000000000000000000000000000 a3736571 01 a861756469656e6365 91 a0",
        "82 a26964 c410 00000000000000000000000000000000 a3736571 01 00",
        "83 a26964 c410 00000000000000000000000000000000 a3736571 01",
    };
    (void)state;
    struct sum_record mixed, untouched;
    sum_record_begin(&mixed, (struct id){{1}}, 1);
    untouched = mixed;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buffer value = {0};
        hex_read(bytes_text(values[i]), &value);
        assert_false(sum_record_field(&mixed, bytes_text("field"), buffer_bytes(&value)));
        buffer_release(&value);
    }
    assert_memory_equal(&mixed, &untouched, sizeof mixed);
    const struct sum none = {0};
    struct sum sum = {0};
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        struct buffer record = {0};
        hex_read(bytes_text(records[i]), &record);
        assert_false(sum_add_encoded(&sum, buffer_bytes(&record)));
        buffer_release(&record);
    }
    assert_true(sum_equal(&sum, &none));
}

static void values_nest_only_so_deep(void **state)
{
    uint8_t nested[100000];
    struct sum_record mixed;
    (void)state;
    memset(nested, 0x91, sizeof nested);
    sum_record_begin(&mixed, (struct id){{1}}, 1);
    nested[WIRE_MAX_DEPTH] = 0x01;
    assert_true(sum_record_field(&mixed, bytes_text("f"), bytes_of(nested, WIRE_MAX_DEPTH + 1)));
    nested[WIRE_MAX_DEPTH] = 0x91;
    nested[WIRE_MAX_DEPTH + 1] = 0x01;
    assert_false(sum_record_field(&mixed, bytes_text("f"), bytes_of(nested, WIRE_MAX_DEPTH + 2)));
    nested[WIRE_MAX_DEPTH + 1] = 0x91;
    assert_false(sum_record_field(&mixed, bytes_text("f"), bytes_of(nested, sizeof nested)));
    /* Maps, each with another behind an empty name. */
    for (size_t i = 0; i < sizeof nested; i++)
        nested[i] = i % 2 == 0 ? 0x81 : 0xa0;
    nested[2 * WIRE_MAX_DEPTH] = 0x01;
    assert_true(
        sum_record_field(&mixed, bytes_text("f"), bytes_of(nested, 2 * WIRE_MAX_DEPTH + 1)));
    nested[2 * WIRE_MAX_DEPTH] = 0x81;
    nested[2 * WIRE_MAX_DEPTH + 2] = 0x01;
    assert_false(
        sum_record_field(&mixed, bytes_text("f"), bytes_of(nested, 2 * WIRE_MAX_DEPTH + 3)));
}

/* Bytes from a failing disk: whatever they are, nothing outside them is read (as the sanitizers
 * see), and the sum moves by one record or not at all. */
static void damaged_records_are_read_within_their_bytes(void **state)
{
    struct random random = random_begin("sum damage");
    unsigned added = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        static struct sample sample;
        struct buffer whole = {0};
        struct sum sum = {0};
        if (round % 100 == 0) {
            sample_release(&sample);
            sample_make(&sample, &random);
        }
        encode(&sample, &whole);
        whole.data[random_below(&random, whole.size)] = (uint8_t)random_next(&random);
        const size_t size = whole.size - random_below(&random, 2);
        uint8_t *exact = memory_new(size);
        memcpy(exact, whole.data, size);
        const bool ok = sum_add_encoded(&sum, bytes_of(exact, size));
        assert_int_equal(sum.count, ok ? 1 : 0);
        added += ok;
        memory_free(exact);
        buffer_release(&whole);
        if (round == 19999)
            sample_release(&sample);
    }
    assert_true(added > 1000);
}

static void a_sum_is_sent_and_read(void **state)
{
    uint8_t octets[SUM_SIZE];
    struct sum sum = sum_of_value("05"), read;
    (void)state;
    sum_put(&sum, octets);
    assert_true(sum_from_bytes(1, bytes_of(octets, SUM_SIZE), &read));
    assert_true(sum_equal(&sum, &read));
    assert_true(sum_from_bytes(2, bytes_of(octets, SUM_SIZE), &read));
    assert_false(sum_equal(&sum, &read));
    assert_false(sum_from_bytes(1, bytes_of(octets, SUM_SIZE - 1), &read));
    assert_false(sum_from_bytes(1, bytes_of(NULL, 0), &read));
    for (unsigned i = 0; i < SUM_SIZE; i++) {
        octets[i] ^= 1;
        assert_true(sum_from_bytes(1, bytes_of(octets, SUM_SIZE), &read));
        assert_false(sum_equal(&sum, &read));
        octets[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_matters),
        cmocka_unit_test(any_change_shows),
        cmocka_unit_test(values_belong_to_their_names_and_records),
        cmocka_unit_test(values_count_and_their_encoding_does_not),
        cmocka_unit_test(a_field_that_is_nil_is_not_set),
        cmocka_unit_test(what_is_no_value_or_record_adds_nothing),
        cmocka_unit_test(values_nest_only_so_deep),
        cmocka_unit_test(damaged_records_are_read_within_their_bytes),
        cmocka_unit_test(a_sum_is_sent_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
