/* ranks.c - ranks that come to the same end. */
#include "parallel/ranks.h"

#include <stdio.h>

enum { MESSAGE_SIZE = 2048 };

/* From each rank in turn up to the first that failed: no memory is needed that could be missing on
   one of them. */
mlce_status mlce_ranks_explain(const mlce_ranks *ranks, mlce_status status, int failed) {
    int first = -1, found = MLCE_OK;
    char message[MESSAGE_SIZE];
    while (found == MLCE_OK && ++first < ranks->count) {
        found = (int)status;
        mlce_status sent = ranks->broadcast(ranks->context, &found, sizeof found, first);
        if (sent) return sent;
    }
    snprintf(message, sizeof message, "%s", mlce_last_error());
    mlce_status sent = ranks->broadcast(ranks->context, message, sizeof message, first);
    if (sent) return sent;
    mlce_fail((mlce_status)found, "%s", message);
    if (failed == ranks->count || found == MLCE_E_STOPPED) return (mlce_status)found;
    return mlce_fail_prefix((mlce_status)found, "rank %d of %d: ", first, ranks->count);
}

mlce_status mlce_ranks_agree(const mlce_ranks *ranks, mlce_status status) {
    if (!ranks) return status;
    double failed = status != MLCE_OK;
    mlce_status sent = ranks->sum(ranks->context, &failed, 1);
    if (sent) return sent;
    return failed > 0 ? mlce_ranks_explain(ranks, status, (int)failed) : MLCE_OK;
}

mlce_status mlce_ranks_compare(const mlce_ranks *ranks, uint32_t number, bool *same) {
    uint32_t first = number;
    *same = true;
    if (!ranks) return MLCE_OK;
    mlce_status status = ranks->broadcast(ranks->context, &first, sizeof first, 0);
    double differ = first != number;
    if (!status) status = ranks->sum(ranks->context, &differ, 1);
    *same = differ == 0;
    return status;
}
