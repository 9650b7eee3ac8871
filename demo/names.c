#include "demo/names.h"

#include <stdbool.h>
#include <string.h>

static const char *const norwegian_first[] = {
    "Åse",  "Bjørn",  "Camilla", "Dag",   "Elin",  "Frode",   "Gro",      "Håkon",
    "Ida",  "Jørgen", "Kristin", "Lars",  "Marit", "Øystein", "Ragnhild", "Sindre",
    "Tuva", "Vegard", "Solveig", "Eirik", "Hilde", "Magnus",  NULL};
static const char *const norwegian_last[] = {"Aasen",  "Bakken", "Dahl",    "Eide",      "Fossum",
                                             "Grønli", "Haugen", "Iversen", "Kvåle",     "Lund",
                                             "Moen",   "Nygård", "Ødegård", "Pettersen", "Rødseth",
                                             "Sætre",  "Tveit",  "Vik",     NULL};
static const char *const norwegian_streets[] = {"Sjøgata",    "Kirkeveien",    "Møllergata",
                                                "Havneveien", "Industriveien", "Bjørkelia",
                                                "Fjellveien", "Storgata",      NULL};
static const char *const norwegian_stems[] = {
    "Storåsen", "Lyngheia", "Havørn",     "Bekkefaret", "Fjellro",     "Solheia",   "Tindtoppen",
    "Ytre Vik", "Grønnlia", "Kråkeneset", "Måsøya",     "Nordstjerna", "Skjærgård", "Ravnedal",
    "Brattli",  "Øyfjell",  "Vardåsen",   "Kystlinja",  "Furuheia",    "Blåfjell",  NULL};
static const char *const norwegian_suffixes[] = {"AS", NULL};
static const struct town norwegian_towns[] = {
    {"Oslo", "0154", "Oslo"},           {"Bergen", "5003", "Vestland"},
    {"Trondheim", "7011", "Trøndelag"}, {"Tromsø", "9008", "Troms"},
    {"Bodø", "8006", "Nordland"},       {"Ålesund", "6002", "Møre og Romsdal"},
    {"Stavanger", "4005", "Rogaland"},  {"Hønefoss", "3510", "Buskerud"},
    {"Hamar", "2317", "Innlandet"},     {NULL, NULL, NULL}};

static const char *const swedish_first[] = {
    "Åsa",    "Björn", "Elsa",      "Fredrik", "Göran",    "Hanna",   "Ingemar", "Jonna", "Klara",
    "Linnéa", "Måns",  "Nils-Erik", "Örjan",   "Pernilla", "Stellan", "Tove",    NULL};
static const char *const swedish_last[] = {"Åkerlund",  "Bergström", "Dalström", "Ekwall",  "Fors",
                                           "Granqvist", "Hägg",      "Lindblad", "Målberg", "Norén",
                                           "Öhman",     "Sjöholm",   "Törnros",  "Wikner",  NULL};
static const char *const swedish_streets[] = {
    "Kungsgatan",   "Åkervägen",   "Björkgatan",  "Hamngatan",
    "Fabriksgatan", "Östra Kajen", "Södra vägen", NULL};
static const char *const swedish_stems[] = {
    "Älvstrand", "Björksund", "Granhult",   "Mälarvik", "Norrsken",   "Tallmo", "Västerhav",
    "Lövåsen",   "Ekebacken", "Snöflingan", "Råbäck",   "Stenkullen", NULL};
static const char *const swedish_suffixes[] = {"AB", NULL};
static const struct town swedish_towns[] = {
    {"Göteborg", "411 04", "Västra Götaland"}, {"Malmö", "211 20", "Skåne"},
    {"Umeå", "903 26", "Västerbotten"},        {"Örebro", "702 11", "Örebro län"},
    {"Östersund", "831 30", "Jämtland"},       {"Gävle", "803 11", "Gävleborg"},
    {"Växjö", "352 30", "Kronoberg"},          {NULL, NULL, NULL}};

static const char *const danish_first[] = {"Anders", "Birgitte", "Christian", "Dorthe", "Esben",
                                           "Freja",  "Gitte",    "Henrik",    "Jytte",  "Kåre",
                                           "Mette",  "Rasmus",   "Søren",     "Ulla",   NULL};
static const char *const danish_last[] = {
    "Bøgh",     "Damgaard", "Enevoldsen", "Frøkjær", "Holm",      "Kjærsgaard", "Lindegaard",
    "Mølgaard", "Nørby",    "Overgaard",  "Ravn",    "Skovgaard", "Østergaard", NULL};
static const char *const danish_streets[] = {"Nørregade",    "Strandvejen", "Bøgevej", "Søndergade",
                                             "Havnepladsen", "Møllevej",    NULL};
static const char *const danish_stems[] = {"Bøgelund", "Klitgården", "Øresund Vest", "Havtorn",
                                           "Søholm",   "Lærkebo",    "Egelund",      "Vesterhede",
                                           "Rørdal",   NULL};
static const char *const danish_suffixes[] = {"A/S", "ApS", NULL};
static const struct town danish_towns[] = {{"Aarhus", "8000", "Midtjylland"},
                                           {"Odense", "5000", "Syddanmark"},
                                           {"Aalborg", "9000", "Nordjylland"},
                                           {"Helsingør", "3000", "Hovedstaden"},
                                           {"Køge", "4600", "Sjælland"},
                                           {"Sønderborg", "6400", "Syddanmark"},
                                           {NULL, NULL, NULL}};

static const char *const finnish_first[] = {"Aino",  "Eero",  "Hannele", "Ilkka", "Jukka",
                                            "Kaisa", "Lauri", "Mirjam",  "Päivi", "Riitta",
                                            "Seppo", "Timo",  "Väinö",   "Yrjö",  NULL};
static const char *const finnish_last[] = {
    "Ahtiala", "Hämäläinen", "Järvelä", "Kivimäki", "Lehtonen", "Mäkinen", "Nieminen",
    "Pöyry",   "Rantala",    "Särkkä",  "Vähälä",   "Ylönen",   NULL};
static const char *const finnish_streets[] = {
    "Rantatie", "Järvikatu", "Satamakatu", "Metsätie", "Hämeenkatu", "Teollisuustie", NULL};
static const char *const finnish_stems[] = {"Järvenranta", "Mäntyharju", "Pohjantähti",
                                            "Kuusisaari",  "Sinivuori",  "Vähäjoki",
                                            "Käpylehto",   "Hirvilampi", NULL};
static const char *const finnish_suffixes[] = {"Oy", NULL};
static const struct town finnish_towns[] = {
    {"Tampere", "33100", "Pirkanmaa"},      {"Oulu", "90100", "Pohjois-Pohjanmaa"},
    {"Turku", "20100", "Varsinais-Suomi"},  {"Jyväskylä", "40100", "Keski-Suomi"},
    {"Hämeenlinna", "13100", "Kanta-Häme"}, {NULL, NULL, NULL}};

static const char *const estonian_first[] = {"Aivar", "Eha",   "Jaan", "Kätlin", "Lembit", "Mall",
                                             "Õnne",  "Priit", "Ülle", "Tõnu",   NULL};
static const char *const estonian_last[] = {"Jõgi",  "Kask",   "Kivilõhe", "Lepik", "Mägi",
                                            "Põder", "Rõigas", "Sõber",    "Tüür",  NULL};
static const char *const estonian_streets[] = {"Pärnu maantee", "Mere tänav", "Kase tänav",
                                               "Sadama", NULL};
static const char *const estonian_stems[] = {"Põhjala", "Männiku",  "Hõbekuu",
                                             "Võrumaa", "Sinilõng", NULL};
static const char *const estonian_suffixes[] = {"OÜ", "AS", NULL};
static const struct town estonian_towns[] = {{"Tallinn", "10111", "Harjumaa"},
                                             {"Tartu", "51003", "Tartumaa"},
                                             {"Pärnu", "80010", "Pärnumaa"},
                                             {"Võru", "65605", "Võrumaa"},
                                             {NULL, NULL, NULL}};

static const char *const latvian_first[] = {"Agnese",   "Dzintars", "Ēriks", "Ilze", "Jānis",
                                            "Kristīne", "Māris",    "Zane",  NULL};
static const char *const latvian_last[] = {"Bērziņš", "Kalniņa", "Liepiņš", "Ozola",
                                           "Vītols",  "Zariņa",  NULL};
static const char *const latvian_streets[] = {"Brīvības iela", "Ostas iela", "Liepu iela", NULL};
static const char *const latvian_stems[] = {"Dzintarkrasts", "Ozolkalns", "Saulgrieži", NULL};
static const char *const latvian_suffixes[] = {"SIA", NULL};
static const struct town latvian_towns[] = {{"Rīga", "LV-1010", "Rīga"},
                                            {"Liepāja", "LV-3401", "Liepāja"},
                                            {"Cēsis", "LV-4101", "Vidzeme"},
                                            {NULL, NULL, NULL}};

static const char *const lithuanian_first[] = {"Aušra", "Dainius",  "Eglė", "Jūratė",
                                               "Rytis", "Žydrūnas", NULL};
static const char *const lithuanian_last[] = {"Ąžuolas", "Kazlauskienė", "Petrauskas",
                                              "Šimkutė", "Žukauskas",    NULL};
static const char *const lithuanian_streets[] = {"Laisvės alėja", "Uosto gatvė", "Liepų gatvė",
                                                 NULL};
static const char *const lithuanian_stems[] = {"Ąžuolynas", "Gintaro Krantas", "Šiaurės Vėjas",
                                               NULL};
static const char *const lithuanian_suffixes[] = {"UAB", NULL};
static const struct town lithuanian_towns[] = {{"Vilnius", "LT-01103", "Vilnius"},
                                               {"Klaipėda", "LT-91240", "Klaipėda"},
                                               {"Kaunas", "LT-44249", "Kaunas"},
                                               {NULL, NULL, NULL}};

#define COUNTRY(NAME, LANGUAGE, PHONE, PEOPLE, WEIGHT)                                             \
    {                                                                                              \
        .name = (NAME), .language = (LANGUAGE), .phone = (PHONE), .first_names = PEOPLE##_first,   \
        .last_names = PEOPLE##_last, .streets = PEOPLE##_streets, .stems = PEOPLE##_stems,         \
        .suffixes = PEOPLE##_suffixes, .towns = PEOPLE##_towns, .weight = (WEIGHT)                 \
    }

/* The numbers begin as no subscriber's does; the Swedish ones are set aside for fiction. */
const struct country demo_countries[COUNTRY_COUNT] = {
    COUNTRY("Norway", "Norwegian", "+47 19 ## ## ##", norwegian, 42),
    COUNTRY("Sweden", "Swedish", "+46 8 465 004 ##", swedish, 20),
    COUNTRY("Denmark", "Danish", "+45 10 ## ## ##", danish, 13),
    COUNTRY("Finland", "Finnish", "+358 00 ### ####", finnish, 12),
    COUNTRY("Estonia", "Estonian", "+372 00# ####", estonian, 6),
    COUNTRY("Latvia", "Latvian", "+371 00 ### ###", latvian, 4),
    COUNTRY("Lithuania", "Lithuanian", "+370 0## #####", lithuanian, 3),
};

const struct trade demo_trades[] = {
    {"Trykk", "Printing", 6, 140},       {"Papir", "Paper and Packaging", 10, 320},
    {"Bok", "Publishing", 4, 90},        {"Kontor", "Office Supplies", 5, 120},
    {"Møbel", "Furniture", 12, 260},     {"Bygg", "Construction", 15, 480},
    {"Tre", "Forestry", 8, 210},         {"Hus", "Construction", 9, 150},
    {"Sjømat", "Food", 20, 540},         {"Meieri", "Food", 25, 380},
    {"Reise", "Hospitality", 6, 130},    {"Hotell", "Hospitality", 18, 240},
    {"Skole", "Education", 10, 160},     {"Handel", "Retail", 5, 620},
    {"Logistikk", "Transport", 14, 350}, {"Energi", "Energy", 12, 400},
};
const uint32_t demo_trade_count = sizeof demo_trades / sizeof demo_trades[0];

const char *const demo_titles[] = {"Managing Director",
                                   "Purchasing Manager",
                                   "Head of Production",
                                   "Office Manager",
                                   "Warehouse Manager",
                                   "Finance Manager",
                                   "Project Manager",
                                   "Quality Manager",
                                   "Store Manager",
                                   "Buyer",
                                   NULL};
const char *const demo_departments[] = {"Management", "Purchasing", "Production", "Administration",
                                        "Warehouse",  "Finance",    "Projects",   "Quality",
                                        "Retail",     "Purchasing", NULL};

uint32_t names_count(const char *const *list)
{
    uint32_t count = 0;
    while (list[count] != NULL)
        count++;
    return count;
}

/* What the names above hold beyond ASCII, and how a web address writes it. */
static const struct {
    const char *letter, *plain;
} plain_letters[] = {
    {"å", "aa"}, {"Å", "aa"}, {"æ", "ae"}, {"Æ", "ae"}, {"ø", "o"}, {"Ø", "o"}, {"ä", "a"},
    {"Ä", "a"},  {"ö", "o"},  {"Ö", "o"},  {"ü", "u"},  {"Ü", "u"}, {"õ", "o"}, {"Õ", "o"},
    {"é", "e"},  {"ā", "a"},  {"ē", "e"},  {"Ē", "e"},  {"ī", "i"}, {"ņ", "n"}, {"š", "s"},
    {"Š", "s"},  {"ž", "z"},  {"Ž", "z"},  {"ą", "a"},  {"Ą", "a"}, {"ė", "e"}, {"ū", "u"},
};

/* The plain writing of the letter at `at`, whose length is told; NULL for what is none. */
static const char *plain_letter(const char *at, size_t *length, char ascii[2])
{
    *length = 1;
    ascii[0] = *at;
    if (*at >= 'A' && *at <= 'Z')
        ascii[0] = "abcdefghijklmnopqrstuvwxyz"[*at - 'A'];
    ascii[1] = '\0';
    if ((ascii[0] >= 'a' && ascii[0] <= 'z') || (ascii[0] >= '0' && ascii[0] <= '9'))
        return ascii;
    for (size_t i = 0; i < sizeof plain_letters / sizeof plain_letters[0]; i++) {
        *length = strlen(plain_letters[i].letter);
        if (strncmp(at, plain_letters[i].letter, *length) == 0)
            return plain_letters[i].plain;
    }
    *length = 1;
    return NULL;
}

void names_fold(const char *text, char *out, size_t size)
{
    size_t used = 0;
    bool gap = false;
    while (*text != '\0') {
        char ascii[2];
        size_t length;
        const char *plain = plain_letter(text, &length, ascii);
        text += length;
        if (plain == NULL) {
            gap = used > 0;
            continue;
        }
        if (used + gap + strlen(plain) + 1 > size)
            break;
        if (gap)
            out[used++] = '-';
        gap = false;
        memcpy(out + used, plain, strlen(plain));
        used += strlen(plain);
    }
    out[used] = '\0';
}
