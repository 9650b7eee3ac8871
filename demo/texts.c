#include "demo/texts.h"

#include <stdio.h>
#include <string.h>

#define COUNT(NAME) const uint32_t NAME##_count = sizeof(NAME) / sizeof((NAME)[0])

const struct talk demo_sales_talks[] = {
    {"Call", "Inbound", "Asked about {product}",
     "{person} wants to know whether we can deliver {product} in {month}. Said that we would come "
     "back with a price and a date.",
     "Quote to be sent", "Positive"},
    {"Call", "Outbound", "Followed up on the quote",
     "Reached {person}, who has the quote on the desk. They compare it with one other; the "
     "decision "
     "falls in {month}.",
     "Waiting for decision", "Neutral"},
    {"Email", "Outbound", "Price for {product}",
     "Hello {person},\n\nthank you for your question. We can offer {number} of {product} at list "
     "price less 8 %, delivered to {town}. The offer holds for 30 days.\n\nKind regards",
     "Quote sent", "Neutral"},
    {"Email", "Inbound", "Order for {month}",
     "Please plan the same quantity of {product} as last time, with delivery in {month}. Our gate "
     "in "
     "{town} is open from seven.\n\n{person}",
     "Order expected", "Positive"},
    {"Meeting", "Outbound", "Review of the year",
     "Went through volumes, complaints and plans with {person}. They expect to need about {number} "
     "% "
     "more of {product} next year and would like a fixed price for six months.",
     "Agreed on next steps", "Positive"},
    {"Visit", "Outbound", "Visit in {town}",
     "Saw the new storage hall. {person} showed where pallets are lost on the way; a delivery in "
     "two "
     "parts would help them.",
     "Proposal to be written", "Positive"},
    {"Call", "Inbound", "Unhappy with the price of {product}",
     "{person} says that the last increase was not announced. Explained how the price of pulp has "
     "moved; they want it in writing.",
     "Letter to be sent", "Negative"},
    {"Chat", "Inbound", "Is {product} in stock?",
     "Asked on the web page whether {number} are available this week. They are.", "Answered",
     "Neutral"},
    {"Email", "Outbound", "New price list",
     "Sent {person} the price list that holds from {month}, with the three lines that change most "
     "marked.",
     "Sent", "Neutral"},
    {"Meeting", "Inbound", "Introduction of the new buyer",
     "{person} has taken over purchasing. Prefers short calls, and numbers in a table rather than "
     "in "
     "prose.",
     "Agreed on next steps", "Positive"},
    {"Event", "Outbound", "Met at the trade fair",
     "Short talk with {person} at our stand. Interested in samples of {product}.",
     "Samples to be sent", "Positive"},
    {"Order", "Inbound", "Ordered {product} by telephone",
     "{person} ordered {number} of {product}. Confirmed by e-mail the same day.", "Order taken",
     "Positive"},
};
COUNT(demo_sales_talks);

const struct talk demo_support_talks[] = {
    {"Call", "Inbound", "Delivery not complete",
     "{person} counted {number} too few of {product}. Promised an answer by tomorrow noon.",
     "Case opened", "Negative"},
    {"Email", "Inbound", "Invoice with the wrong address",
     "The invoice still names the old address in {town}. {person} asks for a corrected one.",
     "Corrected", "Neutral"},
    {"Portal", "Inbound", "Question about returning {product}",
     "They ordered {number} too many and ask whether we take them back unopened.", "Return agreed",
     "Neutral"},
    {"Call", "Outbound", "Told that the missing part is on its way",
     "Told {person} that the rest of {product} leaves on Thursday. They can wait until then.",
     "Solved", "Positive"},
    {"Chat", "Inbound", "Where is the delivery?",
     "The lorry was held up at {town}. Gave {person} the new time of arrival.", "Answered",
     "Neutral"},
    {"Email", "Outbound", "Certificate for {product}",
     "Sent the certificate of origin that {person} had asked for.", "Sent", "Positive"},
};
COUNT(demo_support_talks);

const struct trouble_report demo_reports[] = {
    {"{product} arrived damp", "Quality",
     "The outer wrap of {number} units was torn and the goods below it are damp. Photographs were "
     "promised by {person}."},
    {"{number} of {product} missing", "Delivery",
     "The delivery note says complete, {person} counted again with the driver. Check the load "
     "list."},
    {"Invoice does not match the order", "Invoice",
     "Invoiced at list price; the agreed discount of 8 % was left out."},
    {"Wrong colour of {product}", "Quality",
     "They got white instead of cream. Needed for a print run in {month}, so it is urgent for "
     "them."},
    {"Gate was closed when the lorry came", "Delivery",
     "Delivery came at half past five; the gate in {town} closes at four. Driver had no number to "
     "call."},
    {"Cannot open the order in the portal", "Portal",
     "{person} sees an empty page after signing in. Works on the telephone, not on the computer."},
    {"Certificate of origin missing", "Documents",
     "Needed by their customer before {month}. The supplier has it."},
    {"Pallets not collected", "Delivery",
     "{number} empty pallets have been waiting for three weeks and block the ramp."},
};
COUNT(demo_reports);

const struct chore demo_chores[] = {
    {"Send quote for {product}", "High"},
    {"Call {person} about the delivery in {month}", "Normal"},
    {"Check credit limit", "Low"},
    {"Prepare the review meeting in {town}", "Normal"},
    {"Ask the supplier for samples of {product}", "Normal"},
    {"Write up what was agreed with {person}", "Normal"},
    {"Correct the delivery address", "High"},
    {"Renew the framework agreement", "Urgent"},
};
COUNT(demo_chores);

const struct prospect demo_prospects[] = {
    {"Yearly agreement on {product}", "Existing Business", "Send draft of the agreement"},
    {"Packaging for the {month} season", "New Business", "Samples to {person}"},
    {"{product} for the new site in {town}", "New Business", "Visit the site"},
    {"Change of supplier for {product}", "New Business", "Compare with the present price"},
    {"Refit of the office in {town}", "Existing Business", "Measure on site"},
    {"Additional volume of {product}", "Existing Business", "Confirm quantities"},
};
COUNT(demo_prospects);

const char *const demo_internal_notes[] = {
    "Prefers to be called before nine.",
    "Pays late every December; remind in time, and kindly.",
    "{person} decides, but asks the warehouse first. Include them in the mail.",
    "They were close to leaving us last year. Do not raise the price of {product} without talking.",
    "Competitor has offered 6 % less on {product}. We hold because of delivery before nine.",
    "Their budget year begins in {month}.",
    "Margin on {product} is thin here; no further discount without asking.",
    "Invite to the summer meeting in {town}.",
};
COUNT(demo_internal_notes);

const char *const demo_shared_notes[] = {
    "Forecast: about {number} units of {product} in {month}. Please keep stock for it.",
    "Deliveries to {town} only between seven and three o'clock; the gate is on the sea side.",
    "The customer wants {product} without plastic wrap from {month} on.",
    "{person} signs for deliveries and is to be called half an hour before.",
    "Return of empty pallets with every second delivery.",
};
COUNT(demo_shared_notes);

const char *const demo_supplier_notes[] = {
    "Stock for {month} is set aside. We confirm the week of delivery on Monday.",
    "{product}: the mill stops for ten days in {month}; please order before.",
    "Driver reports that the ramp in {town} is too low for the large lorry.",
    "We can do it without plastic, at the same price, from {number} units up.",
    "Certificate of origin is attached to each delivery from now on.",
};
COUNT(demo_supplier_notes);

const char *const demo_goals[] = {
    "Fewer and larger deliveries; less paper on stock at the end of the year.",
    "Packaging without plastic before the end of next year.",
    "One supplier for everything in the office, one invoice a month.",
    "Reliable dates. They would rather hear of a delay early than be promised too much.",
    "Grow in the neighbouring country and take us along.",
    "Fixed prices for half a year, so that they can quote to their own customers.",
};
COUNT(demo_goals);

const char *const demo_preferences[] = {
    "Short mails with a table. No calls on Friday afternoons.",
    "Likes to see and feel samples before any order.",
    "Wants one person to talk to, also for complaints.",
    "Reads everything, answers seldom: silence is consent.",
    "Quotes in their own language, invoices in English.",
    "Meetings on site rather than on screen.",
};
COUNT(demo_preferences);

const char *const demo_ways_of_working[] = {
    "We plan the quarter together in its first week; changes go by mail to both sides.",
    "Orders come by portal. Support watches for those above 50,000 NOK and calls back.",
    "They tell us their forecast each month; we keep two weeks of it in stock.",
    "A visit each spring and autumn, with the supplier when new goods are on the table.",
};
COUNT(demo_ways_of_working);

const char *const demo_health_reasons[] = {
    "Orders every month, no open complaint.",
    "Volume grew over the year, and {person} recommends us.",
    "Good talks, dates kept on both sides.",
    "Volume as last year; one complaint, solved.",
    "New buyer, who does not know us yet.",
    "Quiet since {month}.",
    "Two late deliveries within a month.",
    "Price of {product} is questioned at each talk.",
    "{person}, who stood up for us, has left.",
};
COUNT(demo_health_reasons);

const char *const demo_dates[] = {
    "Founded in {month}: send a card. Stocktaking in the last week of the year.",
    "Summer closing in weeks 28 to 30.",
    "Budget is decided in {month}.",
    "{person} has a birthday in {month}.",
};
COUNT(demo_dates);

/* The text of the gap that begins at `at`, and how long the gap is; NULL when none begins. */
static const char *gap(const char *at, const struct filling *with, char number[16], size_t *length)
{
    const struct {
        const char *name, *text;
    } gaps[] = {{"{person}", with->person},
                {"{product}", with->product},
                {"{town}", with->town},
                {"{month}", with->month},
                {"{number}", number}};
    (void)snprintf(number, 16, "%d", with->number);
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        *length = strlen(gaps[i].name);
        if (strncmp(at, gaps[i].name, *length) == 0)
            return gaps[i].text;
    }
    return NULL;
}

const char *texts_fill(const char *text, const struct filling *with, char *out, size_t size)
{
    size_t used = 0;
    while (*text != '\0' && used + 1 < size) {
        char number[16];
        size_t length = 0;
        const char *filled = *text == '{' ? gap(text, with, number, &length) : NULL;
        if (filled == NULL) {
            out[used++] = *text++;
            continue;
        }
        int added = snprintf(out + used, size - used, "%s", filled);
        used = added >= 0 && (size_t)added < size - used ? used + (size_t)added : size - 1;
        text += length;
    }
    out[used] = '\0';
    return out;
}
