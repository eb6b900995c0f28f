//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Instructions that the assembler does not know, as bytes (Intel 64 and IA-32 Architectures Software Developer's
// Manual, volume 2). t, c, a, b are numbers of tile registers; base and index numbers of general registers: AX 0, CX 1,
// DX 2, BX 3, SI 6, DI 7.
#define LDTILECFG_AX \
	BYTE $0xC4; BYTE $0xE2; BYTE $0x78; BYTE $0x49; BYTE $0x00
#define TILERELEASE \
	BYTE $0xC4; BYTE $0xE2; BYTE $0x78; BYTE $0x49; BYTE $0xC0
#define TILEZERO(t) \
	BYTE $0xC4; BYTE $0xE2; BYTE $0x7B; BYTE $0x49; BYTE $(0xC0+8*t)
// c += a * b
#define TDPBF16PS(c, a, b) \
	BYTE $0xC4; BYTE $0xE2; BYTE $(0x7A-8*b); BYTE $0x5C; BYTE $(0xC0+8*c+a)
// t = rows at base, base+CX, base+2*CX …
#define TILELOADD_CX(t, base) \
	BYTE $0xC4; BYTE $0xE2; BYTE $0x7B; BYTE $0x4B; BYTE $(0x04+8*t); BYTE $(0x08+base)
// t = rows at AX+disp, AX+disp+R8 …
#define TILELOADD_AX(t, disp) \
	BYTE $0xC4; BYTE $0xA2; BYTE $0x7B; BYTE $0x4B; BYTE $(0x84+8*t); BYTE $0x00; LONG $disp
#define TILESTORED_AX(t, disp) \
	BYTE $0xC4; BYTE $0xA2; BYTE $0x7A; BYTE $0x4B; BYTE $(0x84+8*t); BYTE $0x00; LONG $disp
// VCVTNE2PS2BF16: Z2 = Z0 (lower half) and Z1, rounded
#define ROUND_Z0_Z1 \
	BYTE $0x62; BYTE $0xF2; BYTE $0x77; BYTE $0x48; BYTE $0x72; BYTE $0xD0
// Z0 and Z1 lose what Z2 has of them
#define SUBTRACT_Z2 \
	VPMOVZXWD     Y2, Z3;     \
	VEXTRACTI64X4 $1, Z2, Y4; \
	VPMOVZXWD     Y4, Z4;     \
	VPSLLD        $16, Z3, Z3; \
	VPSLLD        $16, Z4, Z4; \
	VSUBPS        Z3, Z0, Z0; \
	VSUBPS        Z4, Z1, Z1

// Eight tiles of 16 rows of 64 bytes.
DATA amxConfig<>+0(SB)/8, $1
DATA amxConfig<>+8(SB)/8, $0
DATA amxConfig<>+16(SB)/8, $0x0040004000400040
DATA amxConfig<>+24(SB)/8, $0x0040004000400040
DATA amxConfig<>+32(SB)/8, $0
DATA amxConfig<>+40(SB)/8, $0
DATA amxConfig<>+48(SB)/8, $0x1010101010101010
DATA amxConfig<>+56(SB)/8, $0
GLOBL amxConfig<>(SB), RODATA|NOPTR, $64

// 0 16 1 17 2 18 …
DATA amxPairs<>+0(SB)/8, $0x0011000100100000
DATA amxPairs<>+8(SB)/8, $0x0013000300120002
DATA amxPairs<>+16(SB)/8, $0x0015000500140004
DATA amxPairs<>+24(SB)/8, $0x0017000700160006
DATA amxPairs<>+32(SB)/8, $0x0019000900180008
DATA amxPairs<>+40(SB)/8, $0x001b000b001a000a
DATA amxPairs<>+48(SB)/8, $0x001d000d001c000c
DATA amxPairs<>+56(SB)/8, $0x001f000f001e000e
GLOBL amxPairs<>(SB), RODATA|NOPTR, $64

// Tiles 0 … 3 are sums, two tiles of inputs times two of weights; 4 and 5 hold inputs, 6 and 7 weights. The inputs'
// high parts are at SI and BX, their low ones at DI and DX.
#define MULTIPLY_PAIR \
	TDPBF16PS(0, 4, 6); \
	TDPBF16PS(1, 4, 7); \
	TDPBF16PS(2, 5, 6); \
	TDPBF16PS(3, 5, 7)
#define MULTIPLY_SINGLE \
	TDPBF16PS(0, 4, 6); \
	TDPBF16PS(1, 4, 7)
#define WEIGHTS(part) \
	TILELOADD_AX(6, (2048*part)); \
	TILELOADD_AX(7, (2048*part+1024))
#define NEXT_STEP \
	ADDQ $64, SI;   \
	ADDQ $64, DI;   \
	ADDQ $64, BX;   \
	ADDQ $64, DX;   \
	ADDQ $4096, AX; \
	PREFETCHT1 (R12);    \
	PREFETCHT1 64(R12);  \
	PREFETCHT1 128(R12); \
	PREFETCHT1 192(R12); \
	ADDQ $256, R12; \
	DECQ R13

// func amxTiles(t *splitTiles)
TEXT ·amxTiles(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), R9
	LEAQ amxConfig<>(SB), AX
	LDTILECFG_AX
	MOVQ splitTiles_row(R9), CX
	MOVQ splitTiles_ahead(R9), R12

block:
	CMPQ splitTiles_add(R9), $0
	JEQ  zero
	MOVQ $128, R8
	MOVQ splitTiles_sums(R9), AX
	TILELOADD_AX(0, 0)
	TILELOADD_AX(1, 64)
	TILELOADD_AX(2, 2048)
	TILELOADD_AX(3, 2112)
	JMP  start

zero:
	TILEZERO(0)
	TILEZERO(1)
	TILEZERO(2)
	TILEZERO(3)

start:
	MOVQ $64, R8
	MOVQ splitTiles_taps(R9), R10
	MOVQ splitTiles_nTaps(R9), R11

tap:
	MOVQ splitTiles_plane(R9), DX
	MOVQ splitTiles_in0(R9), SI
	ADDQ splitTap_in(R10), SI
	LEAQ (SI)(DX*1), DI
	MOVQ splitTiles_in1(R9), BX
	ADDQ splitTap_in(R10), BX
	ADDQ BX, DX
	MOVQ splitTiles_weights(R9), AX
	ADDQ splitTap_weights(R10), AX
	MOVQ splitTiles_steps(R9), R13
	CMPQ splitTiles_in1(R9), $0
	JEQ  single

pair:
	TILELOADD_CX(4, 7)
	TILELOADD_AX(6, 0)
	TDPBF16PS(0, 4, 6)
	TILELOADD_AX(7, 1024)
	TDPBF16PS(1, 4, 7)
	TILELOADD_CX(5, 2)
	TDPBF16PS(2, 5, 6)
	TDPBF16PS(3, 5, 7)
	TILELOADD_CX(4, 6)
	TILELOADD_CX(5, 3)
	MULTIPLY_PAIR
	WEIGHTS(1)
	MULTIPLY_PAIR
	NEXT_STEP
	JNZ  pair
	JMP  next

single:
	TILELOADD_CX(4, 7)
	WEIGHTS(0)
	MULTIPLY_SINGLE
	TILELOADD_CX(4, 6)
	MULTIPLY_SINGLE
	WEIGHTS(1)
	MULTIPLY_SINGLE
	NEXT_STEP
	JNZ  single

next:
	ADDQ $splitTap__size, R10
	DECQ R11
	JNZ  tap
	MOVQ $128, R8
	MOVQ splitTiles_sums(R9), AX
	TILESTORED_AX(0, 0)
	TILESTORED_AX(1, 64)
	MOVQ splitTiles_block(R9), DX
	ADDQ DX, splitTiles_in0(R9)
	CMPQ splitTiles_in1(R9), $0
	JEQ  stored
	TILESTORED_AX(2, 2048)
	TILESTORED_AX(3, 2112)
	ADDQ DX, splitTiles_in1(R9)

stored:
	ADDQ $4096, AX
	MOVQ AX, splitTiles_sums(R9)
	DECQ splitTiles_blocks(R9)
	JNZ  block
	TILERELEASE
	RET

// func amxSplit(dst *uint16, plane, dstStep int, src *float32, srcStep, rows, n int)
TEXT ·amxSplit(SB), NOSPLIT, $0-56
	MOVQ  dst+0(FP), DI
	MOVQ  plane+8(FP), R8
	MOVQ  dstStep+16(FP), R9
	MOVQ  src+24(FP), SI
	MOVQ  srcStep+32(FP), R10
	MOVQ  rows+40(FP), R11
	MOVQ  n+48(FP), R12
	MOVQ  R12, CX
	ANDQ  $31, CX
	MOVL  $1, AX
	SHLQ  CX, AX
	DECQ  AX
	KMOVW AX, K1
	SHRQ  $16, AX
	KMOVW AX, K2

row:
	MOVQ SI, R13
	MOVQ DI, R14
	MOVQ R12, DX
	SUBQ $32, DX
	JL   tail

values:
	VMOVUPS (R13), Z0
	VMOVUPS 64(R13), Z1

round:
	ROUND_Z0_Z1
	VMOVDQU32 Z2, (R14)
	SUBTRACT_Z2
	ROUND_Z0_Z1
	VMOVDQU32 Z2, (R14)(R8*1)
	ADDQ $128, R13
	ADDQ $64, R14
	SUBQ $32, DX
	JGE  values

tail:
	ADDQ $32, DX
	JLE  done
	VMOVUPS.Z (R13), K1, Z0
	VMOVUPS.Z 64(R13), K2, Z1
	XORL DX, DX
	JMP  round

done:
	ADDQ R10, SI
	ADDQ R9, DI
	DECQ R11
	JNZ  row
	VZEROUPPER
	RET

// Z0 and Z1 are a pixel's sums, scaled and shifted.
#define SCALE_SUMS \
	VMOVUPS     (SI), Z0;   \
	VMOVUPS     64(SI), Z1; \
	VFMADD213PS Z4, Z2, Z0; \
	VFMADD213PS Z5, Z3, Z1
// They are cut at the floor and stored; the pointers move to the next pixel.
#define STORE_SUMS \
	VMAXPS  Z0, Z6, Z0;     \
	VMAXPS  Z1, Z6, Z1;     \
	VMOVUPS Z0, K1, (DI);   \
	VMOVUPS Z1, K2, 64(DI); \
	ADDQ    $128, SI;       \
	ADDQ    R10, DI

// func amxFinish(f *splitFinish)
TEXT ·amxFinish(SB), NOSPLIT, $0-8
	MOVQ  f+0(FP), R9
	MOVQ  splitFinish_sums(R9), SI
	MOVQ  splitFinish_out(R9), DI
	MOVQ  splitFinish_outStep(R9), R10
	MOVQ  splitFinish_rows(R9), R11
	MOVQ  splitFinish_lanes(R9), CX
	MOVL  $1, AX
	SHLQ  CX, AX
	DECQ  AX
	KMOVW AX, K1
	SHRQ  $16, AX
	KMOVW AX, K2
	MOVQ  splitFinish_scale(R9), AX
	VMOVUPS.Z (AX), K1, Z2
	VMOVUPS.Z 64(AX), K2, Z3
	MOVQ  splitFinish_shift(R9), AX
	VMOVUPS.Z (AX), K1, Z4
	VMOVUPS.Z 64(AX), K2, Z5
	VBROADCASTSS splitFinish_floor(R9), Z6
	MOVQ  splitFinish_resStep(R9), R8
	MOVQ  splitFinish_residual(R9), BX
	TESTQ BX, BX
	JZ    plain

residual:
	SCALE_SUMS
	VMOVUPS.Z (BX), K1, Z7
	VMOVUPS.Z 64(BX), K2, Z8
	VADDPS Z7, Z0, Z0
	VADDPS Z8, Z1, Z1
	STORE_SUMS
	ADDQ R8, BX
	DECQ R11
	JNZ  residual
	VZEROUPPER
	RET

plain:
	SCALE_SUMS
	STORE_SUMS
	DECQ R11
	JNZ  plain
	VZEROUPPER
	RET

// func amxPack(dst *uint16, panel int, row0, row1 *float32, n int)
TEXT ·amxPack(SB), NOSPLIT, $0-40
	MOVQ  dst+0(FP), DI
	MOVQ  panel+8(FP), R8
	MOVQ  row0+16(FP), SI
	MOVQ  row1+24(FP), BX
	MOVQ  n+32(FP), R12
	VMOVDQU32 amxPairs<>(SB), Z6
	XORL  R9, R9              // which of a panel's two tiles

vector:
	MOVQ  $16, CX
	CMPQ  R12, CX
	CMOVQLT R12, CX
	MOVL  $1, AX
	SHLQ  CX, AX
	DECQ  AX
	KMOVW AX, K1
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (BX), K1, Z1
	ROUND_Z0_Z1
	VPERMW Z2, Z6, Z7
	VMOVDQU32 Z7, (DI)
	SUBTRACT_Z2
	ROUND_Z0_Z1
	VPERMW Z2, Z6, Z7
	VMOVDQU32 Z7, 2048(DI)
	ADDQ  $64, SI
	ADDQ  $64, BX
	ADDQ  $1024, DI
	XORQ  $1, R9
	JNZ   same
	SUBQ  $2048, DI
	ADDQ  R8, DI

same:
	SUBQ  $16, R12
	JG    vector
	VZEROUPPER
	RET
