#include "tests/real/northwind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER SHARED_DATA "/northwind/"

static void find_pairs(struct northwind *northwind)
{
    const struct csv_table *details = &northwind->details;
    struct text_list all = {.count = 0};
    for (size_t i = 0; i < details->rows; i++) {
        size_t product = csv_table_find(&northwind->products, "ProductID",
                                        csv_table_cell(details, i, "ProductID"));
        size_t order =
            csv_table_find(&northwind->orders, "OrderID", csv_table_cell(details, i, "OrderID"));
        text_list_addf(&all, "%s,%s", csv_table_cell(&northwind->products, product, "SupplierID"),
                       csv_table_cell(&northwind->orders, order, "CustomerID"));
    }
    text_list_sort(&all);
    for (size_t i = 0; i < all.count; i++) {
        if (i == 0 || strcmp(all.items[i - 1], all.items[i]) != 0) {
            text_list_add(&northwind->pairs, all.items[i]);
        }
    }
    text_list_release(&all);
}

bool northwind_read(struct northwind *northwind)
{
    *northwind = (struct northwind){.pairs = {.count = 0}};
    bool good = csv_table_read(&northwind->customers, FOLDER "Customers.csv") &&
                csv_table_read(&northwind->suppliers, FOLDER "Suppliers.csv") &&
                csv_table_read(&northwind->products, FOLDER "Products.csv") &&
                csv_table_read(&northwind->orders, FOLDER "Orders.csv") &&
                csv_table_read(&northwind->details, FOLDER "OrderDetails.csv") &&
                csv_table_read(&northwind->employees, FOLDER "Employees.csv");
    if (good) {
        find_pairs(northwind);
    }
    return good;
}

void northwind_release(struct northwind *northwind)
{
    csv_table_release(&northwind->customers);
    csv_table_release(&northwind->suppliers);
    csv_table_release(&northwind->products);
    csv_table_release(&northwind->orders);
    csv_table_release(&northwind->details);
    csv_table_release(&northwind->employees);
    text_list_release(&northwind->pairs);
}

const char *northwind_customer(const struct northwind *northwind, const char *id)
{
    const struct csv_table *table = &northwind->customers;
    return csv_table_cell(table, csv_table_find(table, "CustomerID", id), "CompanyName");
}

const char *northwind_supplier(const struct northwind *northwind, const char *id)
{
    const struct csv_table *table = &northwind->suppliers;
    return csv_table_cell(table, csv_table_find(table, "SupplierID", id), "CompanyName");
}
