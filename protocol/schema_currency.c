/* The currencies of ISO 4217 with the decimal places of their minor units. Codes of funds, metals
 * and testing are left out: nothing is priced in them. */
#include "protocol/schema_value.h"

#include <string.h>

/* Codes of three letters, each followed by a space. */
static const char *const by_digits[] = {
    [0] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ",
    [2] = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN "
          "BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
          "GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP "
          "LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR "
          "NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
          "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER "
          "ZAR ZMW ZWG ZWL ",
    [3] = "BHD IQD JOD KWD LYD OMR TND ",
};

int schema_currency_digits(struct bytes code)
{
    if (code.size != 3)
        return -1;
    for (size_t digits = 0; digits < sizeof by_digits / sizeof by_digits[0]; digits++) {
        if (by_digits[digits] == NULL)
            continue;
        for (const char *at = by_digits[digits]; *at != '\0'; at += 4)
            if (memcmp(at, code.data, 3) == 0)
                return (int)digits;
    }
    return -1;
}
