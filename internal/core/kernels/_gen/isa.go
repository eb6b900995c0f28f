package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// isa writes functions for one instruction set. Registers are physical throughout: a kernel's speed is its use of
// registers, so the reader should see it. Vector helpers take operands in Go's order, destination last.
type isa struct {
	*build.Context
	name  string
	lanes int           // float32 values in a vector
	regs  []VecPhysical // all vector registers
	wide  bool          // AVX-512: mask registers, broadcasts as operands
	neon  bool          // arm64 (neon.go)

	tailTable Mem // AVX2: lanes ones before lanes zeros
}

func newAVX2() *isa {
	return &isa{Context: build.NewContext(), name: "avx2", lanes: 8,
		regs: []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}}
}

func newAVX512() *isa {
	return &isa{Context: build.NewContext(), name: "avx512", lanes: 16, wide: true,
		regs: []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
			Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}}
}

func (v *isa) bytes() int { return 4 * v.lanes }

// function starts a function without a frame. The name gets the set as its prefix.
func (v *isa) function(name, signature string, doc ...string) {
	v.Function(v.name + name)
	v.Attributes(attr.NOSPLIT)
	v.SignatureExpr(signature)
	v.Doc(append([]string{v.name + name + " " + doc[0]}, doc[1:]...)...)
	v.Pragma("noescape")
}

func (v *isa) ret() {
	v.VZEROUPPER()
	v.RET()
}

// argument is where a parameter lies in memory.
func (v *isa) argument(name string) Mem {
	b, err := v.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func (v *isa) zero(r VecPhysical) {
	if v.wide {
		v.VPXORD(r, r, r)
	} else {
		v.VXORPS(r, r, r)
	}
}

// constant sets all lanes of r to x. It destroys AX.
func (v *isa) constant(x float32, r VecPhysical) { v.constantBits(math.Float32bits(x), r) }

func (v *isa) constantBits(x uint32, r VecPhysical) {
	v.MOVL(U32(x), EAX)
	if v.wide || v.neon {
		v.VPBROADCASTD(EAX, r)
	} else {
		v.VMOVD(EAX, r.AsX())
		v.VBROADCASTSS(r.AsX(), r)
	}
}

// A mask selects the lanes below a number. In AVX-512 it is K1; AVX2 keeps it in a vector register; NEON keeps the number.
type mask struct{ reg Register }

// ownMask says that the mask has a register of its own, so that it need not be made again.
func (v *isa) ownMask() bool { return v.wide || v.neon }

// tailMask makes the mask of n lanes, 0 ≤ n ≤ lanes. It destroys AX, CX and, in AVX2, spare.
func (v *isa) tailMask(n Op, spare VecPhysical) mask {
	if v.neon {
		v.own("lanes", n)
		return mask{}
	}
	v.MOVQ(n, RCX)
	if v.wide {
		v.MOVL(U32(1), EAX)
		v.SHLL(CL, EAX)
		v.DECL(EAX)
		v.KMOVW(EAX, K1)
		return mask{K1}
	}
	if v.tailTable.Base == nil {
		v.tailTable = v.StaticGlobal(v.name + "Tail")
		v.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 2 * v.lanes {
			bits := uint32(0)
			if i < v.lanes {
				bits = math.MaxUint32
			}
			v.AddDatum(4*i, U32(bits))
		}
	}
	v.LEAQ(v.tailTable, RAX)
	v.NEGQ(RCX)
	v.VMOVUPS(Mem{Base: RAX, Index: RCX, Scale: 4, Disp: v.bytes()}, spare)
	return mask{spare}
}

// load reads a vector, or where m is not nil the lanes of m, zero in the others.
func (v *isa) load(from Mem, m *mask, to VecPhysical) {
	switch {
	case m == nil:
		v.VMOVUPS(from, to)
	case v.wide:
		v.VMOVUPS_Z(from, m.reg, to)
	case v.neon:
		v.own("loadLanes", from, to)
	default:
		v.VMASKMOVPS(from, m.reg, to)
	}
}

func (v *isa) store(from VecPhysical, m *mask, to Mem) {
	switch {
	case m == nil:
		v.VMOVUPS(from, to)
	case v.wide:
		v.VMOVUPS(from, m.reg, to)
	case v.neon:
		v.own("storeLanes", from, to)
	default:
		v.VMASKMOVPS(from, m.reg, to)
	}
}

// imm is a constant operand; avo takes U8 for more values than the instructions do.
func imm(n int) Op { return I32(int32(n)) }
