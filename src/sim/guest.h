/* SPDX-License-Identifier: MIT */
/* Where a simulated guest keeps things. */
#ifndef SCHEDOP_SIM_GUEST_H
#define SCHEDOP_SIM_GUEST_H

/* Guest address of its memory, SIM_MEM bytes for each vCPU; odd on purpose:
   no operand may need alignment. */
#define GUEST_MEM 0x10001u

#endif
