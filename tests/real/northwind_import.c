/* How the company gets into Tandem (northwind.h). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/real/northwind.h"

#define FILE_OF(name) (SHARED_DATA "/northwind/" name)
#define MOST_ARGUMENTS 32

/* ---- Running an import
 * --------------------------------------------------------------------------- */

struct expected {
    int64_t rows, created, unchanged;
};

static bool run_import(const struct stage *stage, const char *const *arguments, const char *more,
                       const struct expected *expected)
{
    const char *all[MOST_ARGUMENTS] = {"import", "--json"};
    size_t count = 2;
    for (size_t i = 0; arguments[i] != NULL && count + 2 < MOST_ARGUMENTS; i++) {
        all[count++] = arguments[i];
    }
    all[count] = more;
    struct tandem_output output = stage_run_list(stage, STAGE_ADMIN, all);
    bool good = output.status == 0 && tandem_output_number(&output, "rows") == expected->rows &&
                tandem_output_number(&output, "created") == expected->created &&
                tandem_output_number(&output, "unchanged") == expected->unchanged &&
                tandem_output_number(&output, "refused") == 0;
    if (!good) {
        (void)fprintf(stderr, "import %s %s: exit status %d, not %lld created\n%s%s\n",
                      arguments[0], more == NULL ? "" : more, output.status,
                      (long long)expected->created, output.out, output.err);
    }
    tandem_output_release(&output);
    return good;
}

/* Tries the import, does it, and repeats it where rows have a key: only the second may change
 * anything. */
static bool import(const struct stage *stage, size_t rows, bool keyed, const char *const *arguments)
{
    int64_t count = (int64_t)rows;
    const struct expected fresh = {count, count, 0}, again = {count, 0, count};
    int64_t before = stage_seq(stage);
    bool good = run_import(stage, arguments, "--dry-run", &fresh) && stage_seq(stage) == before;
    good = good && run_import(stage, arguments, NULL, &fresh);
    int64_t after = stage_seq(stage);
    good = good && after > before;
    if (keyed) {
        good = good && run_import(stage, arguments, NULL, &again) && stage_seq(stage) == after;
    }
    if (!good) {
        (void)fprintf(stderr, "%s was not imported as it should\n", arguments[0]);
    }
    return good;
}

/* ---- Files
 * ----------------------------------------------------------------------------------------- */

static void set_address(struct item *item, const char *field, const struct csv_table *table,
                        size_t row)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s; %s; %s; %s; %s", csv_table_cell(table, row, "Address"),
                   csv_table_cell(table, row, "City"), csv_table_cell(table, row, "Region"),
                   csv_table_cell(table, row, "PostalCode"), csv_table_cell(table, row, "Country"));
    item_set(item, field, text);
}

static void scope_of(const char *account, char out[256])
{
    (void)snprintf(out, 256, "account:%s", account);
}

static bool import_customers(const struct northwind *northwind, struct stage *stage)
{
    const struct csv_table *table = &northwind->customers;
    const char *const accounts[] = {
        FILE_OF("Customers.csv"),
        "--as",
        "account",
        "--key",
        "externalId=CustomerID",
        "--map",
        ("name=CompanyName,phoneNumber=Phone,billingAddress.street=Address,"
         "billingAddress.city=City,billingAddress.region=Region,"
         "billingAddress.postalCode=PostalCode,billingAddress.country=Country"),
        "--set",
        "type=Customer",
        NULL};
    const char *const contacts[] = {FILE_OF("Customers.csv"),
                                    "--as",
                                    "contact",
                                    "--key",
                                    "externalId=CustomerID",
                                    "--map",
                                    "lastName=ContactName,title=ContactTitle",
                                    "--account-by",
                                    "externalId=CustomerID",
                                    NULL};
    for (size_t i = 0; i < table->rows; i++) {
        char scope[256];
        const char *name = csv_table_cell(table, i, "CompanyName");
        const char *id = csv_table_cell(table, i, "CustomerID");
        const char *person = csv_table_cell(table, i, "ContactName");
        scope_of(name, scope);
        struct item *account = model_add(&stage->model, "account", name, scope);
        item_tag(account, "partners");
        item_set(account, "name", name);
        item_set(account, "phoneNumber", csv_table_cell(table, i, "Phone"));
        item_set(account, "type", "Customer");
        item_set(account, "externalId", id);
        set_address(account, "billingAddress", table, i);
        struct item *contact = model_add(&stage->model, "contact", person, scope);
        item_tag(contact, "partners");
        item_set(contact, "lastName", person);
        item_set(contact, "title", csv_table_cell(table, i, "ContactTitle"));
        item_set(contact, "account", name);
        item_set(contact, "externalId", id);
    }
    return import(stage, table->rows, true, accounts) && import(stage, table->rows, true, contacts);
}

static struct item *add_party(struct stage *stage, const char *name, const char *kind)
{
    char tag[256];
    struct item *party = model_add(&stage->model, "party", name, "library");
    if (strcmp(kind, "department") != 0) {
        (void)snprintf(tag, sizeof tag, "partner:%s", name);
        item_tag(party, tag);
    }
    item_set(party, "name", name);
    item_set(party, "kind", kind);
    return party;
}

static bool import_suppliers(const struct northwind *northwind, struct stage *stage)
{
    const struct csv_table *table = &northwind->suppliers;
    const char *const parties[] = {
        FILE_OF("Suppliers.csv"),
        "--as",
        "party",
        "--key",
        "externalId=SupplierID",
        "--map",
        ("name=CompanyName,phoneNumber=Phone,address.street=Address,address.city=City,"
         "address.region=Region,address.postalCode=PostalCode,address.country=Country"),
        "--set",
        "kind=supplier",
        NULL};
    for (size_t i = 0; i < table->rows; i++) {
        struct item *party = add_party(stage, csv_table_cell(table, i, "CompanyName"), "supplier");
        item_set(party, "phoneNumber", csv_table_cell(table, i, "Phone"));
        item_set(party, "externalId", csv_table_cell(table, i, "SupplierID"));
        set_address(party, "address", table, i);
    }
    return import(stage, table->rows, true, parties);
}

/* "9.2" as "9.20 USD". */
static void price_text(const char *number, char out[64])
{
    const char *dot = strchr(number, '.');
    size_t decimals = dot == NULL ? 0 : strlen(dot + 1);
    (void)snprintf(out, 64, "%s%s%s USD", number, dot == NULL ? "." : "",
                   decimals == 0   ? "00"
                   : decimals == 1 ? "0"
                                   : "");
}

static bool import_products(const struct northwind *northwind, struct stage *stage)
{
    const struct csv_table *table = &northwind->products;
    const char *const products[] = {
        FILE_OF("Products.csv"),
        "--as",
        "product",
        "--key",
        "code=ProductID",
        "--map",
        "name=ProductName,price=UnitPrice,unit=QuantityPerUnit,family=CategoryID",
        "--currency",
        "USD",
        "--lookup",
        "supplier.externalId=SupplierID",
        NULL};
    for (size_t i = 0; i < table->rows; i++) {
        char price[64];
        struct item *product =
            model_add(&stage->model, "product", csv_table_cell(table, i, "ProductName"), "library");
        price_text(csv_table_cell(table, i, "UnitPrice"), price);
        item_tag(product, "partners");
        item_set(product, "name", csv_table_cell(table, i, "ProductName"));
        item_set(product, "code", csv_table_cell(table, i, "ProductID"));
        item_set(product, "price", price);
        item_set(product, "unit", csv_table_cell(table, i, "QuantityPerUnit"));
        item_set(product, "family", csv_table_cell(table, i, "CategoryID"));
        item_set(product, "supplier",
                 northwind_supplier(northwind, csv_table_cell(table, i, "SupplierID")));
    }
    struct item *beacon = model_add(&stage->model, "product", BEACON, "library");
    item_tag(beacon, "partners");
    item_set(beacon, "name", BEACON);
    item_set(beacon, "unit", "0");
    return import(stage, table->rows, true, products) &&
           stage_do(stage, STAGE_ADMIN, "add", "product", ("name=" BEACON), "unit=0", NULL);
}

/* "7/4/1996" as the start of that day. */
static void day_text(const char *american, char out[64])
{
    char *end = NULL;
    long month = strtol(american, &end, 10);
    long day = strtol(end + 1, &end, 10);
    long year = strtol(end + 1, &end, 10);
    (void)snprintf(out, 64, "%04ld-%02ld-%02ldT00:00:00.000Z", year, month, day);
}

static void employee_name(const struct northwind *northwind, const char *id, char out[64])
{
    size_t row = csv_table_find(&northwind->employees, "EmployeeID", id);
    (void)snprintf(out, 64, "%s", csv_table_cell(&northwind->employees, row, "FirstName"));
    for (char *at = out; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
}

static bool import_orders(const struct northwind *northwind, struct stage *stage)
{
    const struct csv_table *table = &northwind->orders;
    const char *const orders[] = {
        FILE_OF("Orders.csv"),
        "--as",
        "interaction",
        "--key",
        "externalId=OrderID",
        "--map",
        "subject=Order {OrderID},dateStart=OrderDate,body=For {ShipName}\\, freight {Freight}",
        "--set",
        "channel=Order",
        "--set",
        "direction=Inbound",
        "--account-by",
        "externalId=CustomerID",
        "--lookup",
        "assignedUser.externalId=EmployeeID",
        "--date-format",
        "us",
        NULL};
    for (size_t i = 0; i < table->rows; i++) {
        char scope[256], title[64], text[256];
        const char *id = csv_table_cell(table, i, "OrderID");
        const char *account = northwind_customer(northwind, csv_table_cell(table, i, "CustomerID"));
        scope_of(account, scope);
        (void)snprintf(title, sizeof title, "Order %s", id);
        struct item *order = model_add(&stage->model, "interaction", title, scope);
        item_set(order, "subject", title);
        item_set(order, "externalId", id);
        item_set(order, "account", account);
        item_set(order, "channel", "Order");
        item_set(order, "direction", "Inbound");
        day_text(csv_table_cell(table, i, "OrderDate"), text);
        item_set(order, "dateStart", text);
        (void)snprintf(text, sizeof text, "For %s, freight %s",
                       csv_table_cell(table, i, "ShipName"), csv_table_cell(table, i, "Freight"));
        item_set(order, "body", text);
        employee_name(northwind, csv_table_cell(table, i, "EmployeeID"), text);
        item_set(order, "assignedUser", text);
    }
    return import(stage, table->rows, true, orders);
}

/* The files name no assignments: a table of who sold to whom is made of them. */
static bool import_assignments(const struct northwind *northwind, struct stage *stage)
{
    char path[SCRATCH_PATH + 32];
    (void)snprintf(path, sizeof path, "%s/assignments.csv", stage->folder);
    FILE *file = fopen(path, "we");
    const char *const assignments[] = {path,
                                       "--as",
                                       "assignment",
                                       "--lookup",
                                       "party.externalId=SupplierID",
                                       "--account-by",
                                       "externalId=CustomerID",
                                       "--set",
                                       "level=comment",
                                       NULL};
    if (file == NULL) {
        perror(path);
        return false;
    }
    (void)fputs("SupplierID,CustomerID\n", file);
    for (size_t i = 0; i < northwind->pairs.count; i++) {
        char supplier[16];
        const char *pair = northwind->pairs.items[i];
        const char *comma = strchr(pair, ',');
        (void)fprintf(file, "%s\n", pair);
        (void)snprintf(supplier, sizeof supplier, "%.*s", (int)(comma - pair), pair);
        stage_assign(stage, northwind_supplier(northwind, supplier),
                     northwind_customer(northwind, comma + 1), "comment", NULL);
    }
    bool good = fclose(file) == 0;
    return good && import(stage, northwind->pairs.count, false, assignments);
}

/* ---- People
 * -------------------------------------------------------------------------------------- */

static const char *department_of(const char *title)
{
    return strstr(title, "Vice President") != NULL || strstr(title, "Manager") != NULL
               ? "Management"
           : strstr(title, "Coordinator") != NULL ? "support"
                                                  : "sales";
}

static bool add_user(const struct stage *stage, const char *const *arguments, char code[64])
{
    struct tandem_output output =
        stage_run(stage, STAGE_ADMIN, "user", "add", "--json", arguments[0], arguments[1],
                  arguments[2], arguments[3], arguments[4], arguments[5], arguments[6], NULL);
    tandem_output_text(&output, "code", code, 64);
    bool good = output.status == 0 && code[0] != '\0';
    if (!good) {
        (void)fprintf(stderr, "user add %s: %s%s\n", arguments[0], output.out, output.err);
    }
    tandem_output_release(&output);
    return good;
}

/* Three of the employees watch, and use the command line too. */
static bool take_in(struct stage *stage, const struct viewer *viewer, const char *code)
{
    bool watches = strcmp(viewer->user, "andrew") == 0 || strcmp(viewer->user, "nancy") == 0 ||
                   strcmp(viewer->user, "laura") == 0;
    if (!watches || !stage_sign_in(stage, viewer->user, code, STAGE_PASSWORD)) {
        return !watches;
    }
    (void)crowd_add(&stage->crowd, viewer, STAGE_PASSWORD, NULL);
    return true;
}

static bool add_employees(const struct northwind *northwind, struct stage *stage)
{
    const struct csv_table *table = &northwind->employees;
    bool good = true;
    for (size_t i = 0; i < table->rows && good; i++) {
        char name[64], full[128], code[64];
        const char *id = csv_table_cell(table, i, "EmployeeID");
        const char *department = department_of(csv_table_cell(table, i, "Title"));
        employee_name(northwind, id, name);
        (void)snprintf(full, sizeof full, "%s %s", csv_table_cell(table, i, "FirstName"),
                       csv_table_cell(table, i, "LastName"));
        struct item *user = model_add(&stage->model, "user", name, "library");
        item_set(user, "name", name);
        item_set(user, "role", "Member");
        item_set(user, "fullName", full);
        item_set(user, "departments", department);
        item_set(user, "externalId", id);
        const char *const arguments[] = {name, "--department",  department, "--full-name",
                                         full, "--external-id", id,         NULL};
        const struct viewer viewer = {.user = name, .departments = {department}};
        good = add_user(stage, arguments, code) && take_in(stage, &viewer, code);
    }
    return good;
}

static bool add_suppliers(const struct northwind *northwind, struct stage *stage)
{
    const struct csv_table *table = &northwind->suppliers;
    for (size_t i = 0; i < table->rows; i++) {
        char name[32], code[64], tag[256];
        const char *supplier = csv_table_cell(table, i, "CompanyName");
        (void)snprintf(name, sizeof name, "supplier%zu", i + 1);
        (void)snprintf(tag, sizeof tag, "partner:%s", supplier);
        struct item *user = model_add(&stage->model, "user", name, "library");
        item_tag(user, tag);
        item_set(user, "name", name);
        item_set(user, "role", "Partner");
        item_set(user, "partner", supplier);
        const char *const arguments[] = {name, "--partner", supplier, NULL, NULL, NULL, NULL};
        const struct viewer viewer = {.user = name, .supplier = supplier};
        if (!add_user(stage, arguments, code)) {
            return false;
        }
        /* The first uses the command line too, so its code is used up there. */
        if (i == 0 && !stage_sign_in(stage, name, code, STAGE_PASSWORD)) {
            return false;
        }
        (void)crowd_add(&stage->crowd, &viewer, i == 0 ? STAGE_PASSWORD : code,
                        i == 0 ? NULL : STAGE_PASSWORD);
    }
    return true;
}

static void add_founders(struct stage *stage)
{
    static const char *const departments[] = {"community", "sales", "support", "Management"};
    for (size_t i = 0; i < sizeof departments / sizeof departments[0]; i++) {
        (void)add_party(stage, departments[i], "department");
    }
    struct item *admin = model_add(&stage->model, "user", STAGE_ADMIN, "library");
    item_set(admin, "name", STAGE_ADMIN);
    item_set(admin, "role", "Administrator");
}

bool northwind_import(const struct northwind *northwind, struct stage *stage)
{
    add_founders(stage);
    return stage_do(stage, STAGE_ADMIN, "party", "add", "Management", "--kind", "department",
                    NULL) &&
           import_customers(northwind, stage) && import_suppliers(northwind, stage) &&
           import_products(northwind, stage) && add_employees(northwind, stage) &&
           import_orders(northwind, stage) && import_assignments(northwind, stage) &&
           add_suppliers(northwind, stage);
}
