/* The trading company of the shared data, and its way into Tandem: what a person would type to
 * bring it in, and beside each command what the model should hold because of it. */
#ifndef TANDEM_TESTS_REAL_NORTHWIND_H
#define TANDEM_TESTS_REAL_NORTHWIND_H

#include "tests/real/csv_table.h"
#include "tests/real/stage.h"

struct northwind {
    struct csv_table customers, suppliers, products, orders, details, employees;
    struct text_list pairs; /* "SupplierID,CustomerID" of who sold to whom, sorted, each once */
};

/* False after saying why. Release in any case. */
bool northwind_read(struct northwind *northwind);
void northwind_release(struct northwind *northwind);

/* Names by their ids in the files. */
const char *northwind_customer(const struct northwind *northwind, const char *id);
const char *northwind_supplier(const struct northwind *northwind, const char *id);

/* Imports everything, each file tried out first and repeated afterwards, and adds the people: the
 * employees, of whom andrew, nancy and laura join the crowd, and a user for each supplier
 * ("supplier1" and so on), who all do. False after saying why. */
bool northwind_import(const struct northwind *northwind, struct stage *stage);

#endif
