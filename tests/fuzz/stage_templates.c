/* Messages that make sense on the stage, in the notation of tests/unit/protocol/notation.h with
 * ' for " and # around bytes, and for what differs: $A $B $C accounts (assigned, never, ended), $c
 * contact, $s and $h notes (shared, hidden), $o opportunity, $u user, $x their client, $X a new id,
 * $P partner, $L $M the scopes of $A and $C, $T the tag for all partners, $E epoch, $N number, $K
 * cursor, $F frames, $t token, $V the newest version of the shared note and $U the units of its text.
 */
#include "tests/fuzz/stage.h"

#include <string.h>

#include "protocol/utf16.h"
#include "server/core/note/note.h"
#include "tests/unit/protocol/notation.h"

#define HELLO "{'type':'hello','versions':[1],'client':$x,'method':"
#define MUTATE "{'type':'mutate','number':$N,'changes':["
#define FIELD                                                                                      \
    "{'op':'create','id':$X,'entity':'customField','fields':{'key':'note.k','entity':'note',"
#define SUBSCRIBE "{'type':'subscribe','epoch':$E,'cursor':"
#define QUERY "{'type':'query','request':3,'entity':"
#define OPEN "{'type':'note-open','request':19,'note':"
#define PUSH "{'type':'note-push','request':20,'note':"
#define CERTIFICATE "{'type':'certificate','request':12,'user':$u,'fingerprint':"

static const char *const templates[] = {
    HELLO "'token','secret':'$t'}",
    HELLO "'password','user':'pia','secret':'long enough'}",
    HELLO "'password','user':'kari','secret':'long enough','remember':true}",
    HELLO "'code','user':'pia','secret':'ABCD-EFGH','newSecret':'long enough'}",
    HELLO "'certificate','remember':true}",
    "{'type':'hello','versions':[2,3],'client':$x,'method':'token','secret':'$t'}",
    SUBSCRIBE "0}",
    SUBSCRIBE "$K}",
    SUBSCRIBE "$K,'scopes':[$L,$M],'entities':['note','contact']}",
    SUBSCRIBE "$K,'resume':[{'scope':$L,'from':0,'until':$K},{'scope':$M,'from':1,'until':9}]}",
    SUBSCRIBE "99999999}",
    "{'type':'unsubscribe','request':1}",
    "{'type':'ack','frames':$F}",
    MUTATE "{'op':'create','id':$X,'entity':'contact','fields':{'lastName':'Vik','account':$A}}]}",
    MUTATE "{'op':'create','id':$X,'entity':'note','fields':{'text':'x'},'audience':[$T]}]}",
    MUTATE "{'op':'create','id':$X,'entity':'note','fields':{'text':'mine'},'scope':$M}]}",
    MUTATE "{'op':'update','id':$c,'fields':{'title':'Dr','tags':['a','b']}}],'base':$K}",
    MUTATE "{'op':'update','id':$c,'fields':{'title':null}}],'base':1,'mode':'overwrite'}",
    MUTATE "{'op':'update','id':$c,'fields':{'title':'x'},'base':1}]}",
    MUTATE "{'op':'update','id':$h,'fields':{'text':'seized'}}]}",
    MUTATE "{'op':'update','id':$c,'fields':{'margin':'5'}}]}",
    MUTATE "{'op':'remove','id':$s},{'op':'remove','id':$c,'base':1}]}",
    MUTATE "{'op':'share','id':$s,'remove':[$T]}]}",
    MUTATE "{'op':'share','id':$h,'add':[$T]}]}",
    MUTATE "{'op':'create','id':$X,'entity':'user','fields':{'name':'eve','role':'Viewer'}}]}",
    MUTATE FIELD "'name':'k','kind':'enum','values':['a'],'class':'shared'}}],'answered':1}",
    MUTATE "]}",
    "{'type':'fetch','request':2,'ids':[$A,$B,$C,$c,$s,$h,$o,$u,$P]}",
    QUERY "'account','sort':'name','limit':1,'descending':true}",
    QUERY "'note','where':[['text','contains','e']],'limit':3}",
    QUERY "'contact','where':[['account','=',$A],['margin','>','a']],'sort':'lastName'}",
    QUERY "'opportunity','after':#690000#}",
    QUERY "'user','where':[['name','!=','x']]}",
    "{'type':'timeline','request':7,'account':$A,'limit':2}",
    "{'type':'timeline','request':8,'account':$B}",
    "{'type':'history','request':9,'id':$c,'limit':2}",
    "{'type':'history','request':9,'id':$s}",
    "{'type':'history','request':10,'id':$h,'after':#00000000000000ff#}",
    "{'type':'invite','request':11,'user':$u}",
    CERTIFICATE "#ce00000000000000000000000000000000000000000000000000000000000000#}",
    "{'type':'password','request':13,'oldSecret':'long enough','newSecret':'long enough too'}",
    "{'type':'sign-out','request':14}",
    "{'type':'sign-out','request':15,'everywhere':true}",
    "{'type':'status','request':16}",
    "{'type':'ping','request':17}",
    "{'type':'goodbye'}",
    "{'type':'goodbye','forget':true}",
    "{'type':'prefer','scopes':[$L,$M]}",
    "{'type':'prefer','scopes':[]}",
    "{'type':'check','request':18,'scopes':[$L,$M]}",
    OPEN "$s}",
    OPEN "$s,'version':$V}",
    OPEN "$s,'version':0}",
    OPEN "$h}",
    "{'type':'note-close','note':$s}",
    PUSH "$s,'base':$V,'changes':[[[0,'typed'],$U]]}",
    PUSH "$s,'base':$V,'changes':[[$U,[0,'one line','']],[[$U],6,3]]}",
    PUSH "$s,'base':0,'changes':[[[0,'late'],$U]]}",
    PUSH "$h,'base':0,'changes':[[[0,'seized']]]}",
    "{'type':'note-read','request':21,'note':$s,'version':$V}",
    "{'type':'note-read','request':21,'note':$s,'version':1}",
    "{'type':'note-read','request':21,'note':$h}",
    "{'type':'note-versions','request':22,'note':$s,'before':$V,'limit':3}",
    "{'type':'note-versions','request':22,'note':$h}",
    "{'type':'present','about':$s,'typing':true,'anchor':1,'head':2,'version':$V}",
    "{'type':'present','about':$h}",
    "{'type':'present','about':$A}",
    "{'type':'present','about':$s,'gone':true}",
    MUTATE "{'op':'mention','id':$X,'note':$s,'user':'pia'}]}",
    MUTATE "{'op':'mention','id':$X,'note':$s,'user':'KARI'}]}",
    MUTATE "{'op':'mention','id':$X,'note':$h,'user':'kari'}]}",
    MUTATE "{'op':'update','id':$s,'fields':{'text':'hi @pia'}},"
           "{'op':'mention','id':$X,'note':$s,'user':'pia'}]}",
};

size_t stage_templates(void)
{
    return sizeof templates / sizeof *templates;
}

static void put_octets(struct buffer *out, const uint8_t *octets, size_t size)
{
    char hex[2 * SCOPE_SIZE + 1];
    session_hex(octets, size, hex);
    buffer_append(out, "h'", 2);
    buffer_append(out, hex, 2 * size);
    buffer_append(out, "'", 1);
}

static void put_id(struct buffer *out, struct id id)
{
    put_octets(out, id.octet, ID_SIZE);
}

static void put_account_scope(struct buffer *out, struct id account)
{
    uint8_t octets[SCOPE_SIZE];
    scope_put((struct scope){SCOPE_ACCOUNT, account}, octets);
    put_octets(out, octets, SCOPE_SIZE);
}

static void put_number(struct buffer *out, uint64_t number)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    buffer_append(out, digits, (size_t)size);
}

static struct id epoch(struct stage *stage)
{
    struct state state = world_state(stage->world);
    struct meta meta;
    MUST(state.ops->meta(state.self, &meta) == STATUS_OK);
    return meta.epoch;
}

/* Of the newest version of the shared note, 0 once there is none. */
static void put_note_number(struct stage *stage, char sign, struct buffer *out)
{
    static struct record record;
    struct state state = world_state(stage->world);
    struct buffer scratch = {0};
    struct note_head head = {0};
    struct bytes encoded;
    if (state.ops->record(state.self, stage->shared_note, &encoded) == STATUS_OK) {
        MUST(record_decode(encoded, &record) == STATUS_OK);
        MUST(note_read_head(&state, &record, &scratch, &head) == STATUS_OK);
    }
    put_number(out, sign == 'V' ? head.version : utf16_length(head.text));
    buffer_release(&scratch);
}

static void put_sign(struct stage *stage, struct slot *slot, char sign, struct buffer *out)
{
    static const char ids[] = "ABCcshouxPEX";
    const struct id values[] = {stage->account,     stage->other_account, stage->closed_account,
                                stage->contact,     stage->shared_note,   stage->hidden_note,
                                stage->opportunity, slot->user,           slot->client,
                                stage->partner,     epoch(stage),         {{0}}};
    const struct feed *feed = slot->session != NULL ? &slot->session->feed : NULL;
    const char *at = strchr(ids, sign);
    uint8_t tag[TAG_SIZE];
    switch (sign) {
    case 'X':
        put_id(out, world_id(stage->world));
        break;
    case 'L':
        put_account_scope(out, stage->account);
        break;
    case 'M':
        put_account_scope(out, stage->closed_account);
        break;
    case 'T':
        tag_put((struct tag){.kind = TAG_PARTNERS}, tag);
        put_octets(out, tag, sizeof tag);
        break;
    case 'N':
        put_number(out, slot->number++);
        break;
    case 'K':
        put_number(out, feed != NULL ? feed->client_cursor : 0);
        break;
    case 'F':
        put_number(out, feed != NULL ? feed->frames_sent : 0);
        break;
    case 'V':
    case 'U':
        put_note_number(stage, sign, out);
        break;
    case 't':
        buffer_append(out, slot->token, strlen(slot->token));
        break;
    default:
        MUST(at != NULL);
        put_id(out, values[at - ids]);
    }
}

void stage_template(struct stage *stage, struct slot *slot, size_t index, struct buffer *out)
{
    struct buffer json = {0};
    bool in_bytes = false;
    for (const char *at = templates[index % stage_templates()]; *at != '\0'; at++) {
        if (*at == '$') {
            put_sign(stage, slot, *++at, &json);
        } else if (*at == '#') {
            buffer_append(&json, in_bytes ? "'" : "h'", in_bytes ? 1 : 2);
            in_bytes = !in_bytes;
        } else {
            buffer_append_byte(&json, (uint8_t)(*at == '\'' ? '"' : *at));
        }
    }
    MUST(notation_parse(buffer_bytes(&json), out));
    buffer_release(&json);
}
