package main

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/printer"
	. "github.com/mmcloughlin/avo/reg"
)

// The descriptions speak of AVX instructions. For arm64 they are read with vectors of four lanes, and each instruction is
// written as the ones that do the same there, to the last bit:
//
//   - A minimum or maximum is a comparison and a selection, because FMIN and FMAX treat NaN and -0 otherwise.
//   - Four instructions are the generator's own: lanes keeps a number of lanes, loadLanes and storeLanes move so many,
//     where AVX has masks; multiplyLane is FMLA by element, which saves the broadcast.
//   - Go's assembler has few vector instructions on floating-point numbers. The others are words, with their names in Arm's
//     spelling beside them (Arm Architecture Reference Manual for A-profile, C7.2).

// General registers by AVX's names. R16 to R18 and R26 to R30 belong to Go.
var generalRegisters = map[string]string{
	"AX": "R0", "CX": "R1", "DX": "R2", "BX": "R3", "SI": "R6", "DI": "R7", "R8": "R8", "R9": "R9", "R10": "R10",
	"R11": "R11", "R12": "R12", "R13": "R13", "R14": "R14", "R15": "R15",
}

const (
	firstLocal = 19    // R19, R20, R21 hold what is in AVX's frame
	lanesLeft  = "R23" // lanes
	value      = "R24" // an operand from memory
	address    = "R25" // an address, or a result on its way to memory

	selected, operand = 30, 31 // vector registers: a comparison, and an operand from memory
)

// neonRegisters are those that all instructions leave alone. The others may hold what is only moved, or multiplied by lane.
const neonRegisters = 30

func newNEON() *isa {
	return &isa{Context: build.NewContext(), name: "neon", lanes: 4, neon: true,
		regs: []VecPhysical{X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15,
			X16, X17, X18, X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, X29, X30, X31}}
}

func (v *isa) own(name string, operands ...Op) {
	v.Instruction(&ir.Instruction{Opcode: name, Operands: operands})
}

// multiplyLane adds lane number lane of x times w to sum.
func (v *isa) multiplyLane(x VecPhysical, lane int, w, sum VecPhysical) {
	v.own("multiplyLane", U8(lane), x, w, sum)
}

// arm writes one function.
type arm struct {
	bytes.Buffer
	cold   bytes.Buffer // what is seldom run, behind it
	labels int
}

// printNEON writes the functions of a file as Go assembly for arm64.
func printNEON(file *ir.File, cfg printer.Config) ([]byte, error) {
	constraints, err := buildtags.Format(file.Constraints)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "// %s\n\n%s\n#include \"textflag.h\"\n", cfg.GeneratedWarning(), constraints)
	for _, f := range file.Functions() {
		fmt.Fprintf(&out, "\n// %s\nTEXT ·%s(SB), %s, $0-%d\n", f.Stub(), f.Name, f.Attributes.Asm(), f.ArgumentBytes())
		a := arm{}
		for i, node := range f.Nodes {
			switch n := node.(type) {
			case ir.Label:
				fmt.Fprintf(&a, "\n%s:\n", n)
			case *ir.Instruction:
				flags := false
				if i+1 < len(f.Nodes) {
					next, ok := f.Nodes[i+1].(*ir.Instruction)
					flags = ok && next.IsConditional
				}
				if err := a.instruction(n, flags); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", f.Name, n.Opcode, err)
				}
			default:
				return nil, fmt.Errorf("%s: node %T", f.Name, n)
			}
		}
		out.Write(a.Bytes())
		out.Write(a.cold.Bytes())
	}
	return out.Bytes(), nil
}

func (a *arm) op(format string, args ...any) { fmt.Fprintf(a, "\t"+format+"\n", args...) }

// word writes an instruction that Go's assembler lacks.
func (a *arm) word(code uint32, format string, args ...any) {
	a.op("WORD $0x%08x // %s", code, fmt.Sprintf(format, args...))
}

func parameter(m Mem) bool { return m.Base == FramePointer }

// register is the general register in which an operand lies, or "": constants and parameters.
func register(op Op) string {
	switch op := op.(type) {
	case Mem:
		if op.Base == StackPointer && op.Index == nil {
			return fmt.Sprintf("R%d", firstLocal+op.Disp/8)
		}
	case Register:
		return generalRegisters[op.Asm()]
	}
	return ""
}

// source is an operand that is only read, as a register or a constant.
func (a *arm) source(op Op) string {
	if r := register(op); r != "" {
		return r
	}
	if m, ok := op.(Mem); ok {
		a.op("MOVD %s, %s", a.memory(m), value)
		return value
	}
	return "$" + strconv.Itoa(constant(op))
}

// constant is the value of an immediate operand.
func constant(op Op) int {
	switch c := op.(type) {
	case U8:
		return int(c)
	case I8:
		return int(c)
	case U32:
		return int(c)
	case I32:
		return int(c)
	}
	panic(fmt.Sprintf("no constant: %T", op))
}

// update changes an operand by an instruction, of which the last two operands are missing.
func (a *arm) update(op Op, instruction string) {
	r := register(op)
	if r == "" {
		r = address
		a.op("MOVD %s, %s", op.Asm(), r)
	}
	a.op("%s, %s, %[2]s", instruction, r)
	if r == address {
		a.op("MOVD %s, %s", r, op.Asm())
	}
}

// memory is a place in memory with at most a constant distance.
func (a *arm) memory(m Mem) string {
	if parameter(m) {
		return m.Asm()
	}
	base := generalRegisters[m.Base.Asm()]
	if m.Index != nil {
		a.op("ADD %s<<%d, %s, %s", generalRegisters[m.Index.Asm()], bits.Len8(m.Scale)-1, base, address)
		base = address
	}
	if m.Disp == 0 {
		return fmt.Sprintf("(%s)", base)
	}
	return fmt.Sprintf("%d(%s)", m.Disp, base)
}

func number(r string) uint32 {
	n, err := strconv.Atoi(strings.TrimLeft(r, "RX"))
	if err != nil {
		panic(err)
	}
	return uint32(n)
}

// move loads or stores a vector.
func (a *arm) move(m Mem, r uint32, load bool) {
	if m.Index != nil && m.Scale == 1 && m.Disp == 0 {
		base, index := generalRegisters[m.Base.Asm()], generalRegisters[m.Index.Asm()]
		code, name := uint32(0x3CA06800), "STR"
		if load {
			code, name = 0x3CE06800, "LDR"
		}
		a.word(code|number(index)<<16|number(base)<<5|r, "%s q%d, [x%d, x%d]", name, r, number(base), number(index))
		return
	}
	at := a.memory(m)
	if load {
		a.op("FMOVQ %s, F%d", at, r)
	} else {
		a.op("FMOVQ F%d, %s", r, at)
	}
}

// vector is the number of the vector register that holds an operand, loaded if it lies in memory.
func (a *arm) vector(op Op) uint32 {
	if m, ok := op.(Mem); ok {
		a.move(m, operand, true)
		return operand
	}
	return number(op.(Register).Asm())
}

func (a *arm) copy(from, to uint32) { a.op("VORR V%d.B16, V%[1]d.B16, V%d.B16", from, to) }

// three is d = n op m; words is for what the assembler lacks.
func (a *arm) three(code uint32, name string, n, m, d uint32) {
	a.word(code|m<<16|n<<5|d, "%s v%d.4s, v%d.4s, v%d.4s", name, d, n, m)
}

func (a *arm) two(code uint32, name string, n, d uint32) {
	a.word(code|n<<5|d, "%s v%d.4s, v%d.4s", name, d, n)
}

// choose is d = mask ? yes : no. It may not be given a mask that is d.
func (a *arm) choose(mask, yes, no, d uint32) {
	switch d {
	case yes:
		a.op("VBIF V%d.B16, V%d.B16, V%d.B16", mask, no, d)
	default:
		a.copy(no, d)
		fallthrough
	case no:
		a.op("VBIT V%d.B16, V%d.B16, V%d.B16", mask, yes, d)
	}
}

// accumulate is d = c ± n*m.
func (a *arm) accumulate(name string, n, m, c, d uint32) {
	sum := d
	if c != d {
		sum = operand
		a.copy(c, sum)
	}
	a.op("%s V%d.S4, V%d.S4, V%d.S4", name, m, n, sum)
	if sum != d {
		a.copy(sum, d)
	}
}

const (
	greater    = 0x6EA0E400 // FCMGT
	equal      = 0x4E20E400 // FCMEQ
	byElement  = 0x4F801000 // FMLA
	complement = 0x6E205800 // NOT
)

var branches = map[string]string{"JMP": "B", "JL": "BLT", "JLT": "BLT", "JGE": "BGE", "JZ": "BEQ", "JEQ": "BEQ", "JNZ": "BNE", "JNE": "BNE"}

// instruction translates one instruction; flags says that a conditional jump follows.
func (a *arm) instruction(i *ir.Instruction, flags bool) error {
	o := i.Operands
	s := ""
	if flags {
		s = "S"
	}
	if b := branches[i.Opcode]; b != "" {
		a.op("%s %s", b, o[0].Asm())
		return nil
	}
	switch i.Opcode {
	case "RET":
		a.op("RET")
	case "VZEROUPPER":
	case "MOVQ":
		to := register(o[1])
		if m, ok := o[0].(Mem); ok && register(o[0]) == "" && to != "" {
			a.op("MOVD %s, %s", a.memory(m), to)
		} else if to != "" {
			a.op("MOVD %s, %s", a.source(o[0]), to)
		} else {
			a.op("MOVD %s, %s", a.source(o[0]), a.memory(o[1].(Mem)))
		}
	case "MOVL":
		a.op("MOVD $0x%08x, %s", constant(o[0]), register(o[1]))
	case "LEAQ":
		m := o[0].(Mem)
		a.op("ADD %s<<%d, %s, %s", generalRegisters[m.Index.Asm()], bits.Len8(m.Scale)-1, generalRegisters[m.Base.Asm()], register(o[1]))
	case "ADDQ":
		a.update(o[1], "ADD"+s+" "+a.source(o[0]))
	case "SUBQ":
		a.update(o[1], "SUB"+s+" "+a.source(o[0]))
	case "INCQ":
		a.update(o[0], "ADD"+s+" $1")
	case "DECQ":
		a.update(o[0], "SUB"+s+" $1")
	case "ANDQ":
		a.update(o[1], "AND "+a.source(o[0]))
	case "SHLQ":
		a.update(o[1], "LSL "+a.source(o[0]))
	case "IMUL3Q":
		a.op("MOVD %s, %s", a.source(o[0]), value)
		a.op("MUL %s, %s, %s", value, register(o[1]), register(o[2]))
	case "XORQ":
		a.op("MOVD ZR, %s", register(o[1]))
	case "TESTQ":
		a.op("CMP $0, %s", register(o[0]))
	case "CMPQ":
		a.op("CMP %s, %s", a.source(o[1]), a.source(o[0]))
	case "PREFETCHT1":
		a.op("PRFM %s, PLDL2KEEP", a.memory(o[0].(Mem)))
	default:
		return a.vectorInstruction(i.Opcode, o)
	}
	return nil
}

func (a *arm) vectorInstruction(name string, o []Op) error {
	last := o[len(o)-1]
	switch name {
	case "lanes":
		a.op("MOVD %s, %s", a.source(o[0]), lanesLeft)
		return nil
	case "loadLanes":
		a.loadLanes(o[0].(Mem), a.vector(o[1]))
		return nil
	case "storeLanes":
		a.storeLanes(a.vector(o[0]), o[1].(Mem))
		return nil
	case "VMOVUPS":
		if m, ok := last.(Mem); ok {
			a.move(m, a.vector(o[0]), false)
		} else {
			a.move(o[0].(Mem), a.vector(last), true)
		}
		return nil
	}
	d := a.vector(last)
	switch name {
	case "VMOVAPS":
		a.copy(a.vector(o[0]), d)
		return nil
	case "VMOVSS":
		a.op("FMOVS %s, F%d", a.memory(o[0].(Mem)), d)
		return nil
	case "multiplyLane":
		lane, x, w := uint32(constant(o[0])), a.vector(o[1]), a.vector(o[2])
		a.word(byElement|(lane&1)<<21|(lane>>1)<<11|x<<16|w<<5|d, "FMLA v%d.4s, v%d.4s, v%d.s[%d]", d, w, x, lane)
		return nil
	}
	for _, op := range o {
		if r, ok := op.(VecPhysical); ok && number(r.Asm()) >= neonRegisters {
			return fmt.Errorf("%s is the translation's", r.Asm())
		}
	}
	switch name {
	case "VBROADCASTSS":
		a.op("FMOVS %s, F%d", a.memory(o[0].(Mem)), d)
		a.op("VDUP V%d.S[0], V%[1]d.S4", d)
	case "VPBROADCASTD":
		a.op("VDUP %s, V%d.S4", register(o[0]), d)
	case "VXORPS":
		a.op("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", d)
	case "VANDPS":
		a.op("VAND V%d.B16, V%d.B16, V%d.B16", a.vector(o[0]), a.vector(o[1]), d)
	case "VANDNPS": // ^o[1] & o[0]
		a.word(0x4E601C00|a.vector(o[1])<<16|a.vector(o[0])<<5|d, "BIC v%d.16b, v%d.16b, v%d.16b", d, a.vector(o[0]), a.vector(o[1]))
	case "VADDPS":
		a.three(0x4E20D400, "FADD", a.vector(o[1]), a.vector(o[0]), d)
	case "VSUBPS":
		a.three(0x4EA0D400, "FSUB", a.vector(o[1]), a.vector(o[0]), d)
	case "VMULPS":
		a.three(0x6E20DC00, "FMUL", a.vector(o[1]), a.vector(o[0]), d)
	case "VDIVPS":
		a.three(0x6E20FC00, "FDIV", a.vector(o[1]), a.vector(o[0]), d)
	case "VMAXPS": // o[1] > o[0] ? o[1] : o[0]
		a.three(greater, "FCMGT", a.vector(o[1]), a.vector(o[0]), selected)
		a.choose(selected, a.vector(o[1]), a.vector(o[0]), d)
	case "VMINPS": // o[1] < o[0] ? o[1] : o[0]
		a.three(greater, "FCMGT", a.vector(o[0]), a.vector(o[1]), selected)
		a.choose(selected, a.vector(o[1]), a.vector(o[0]), d)
	case "VBLENDVPS": // o[0] ? o[1] : o[2]
		a.choose(a.vector(o[0]), a.vector(o[1]), a.vector(o[2]), d)
	case "VCMPPS":
		x, y := a.vector(o[2]), a.vector(o[1])
		switch constant(o[0]) {
		case 0: // ==
			a.three(equal, "FCMEQ", x, y, d)
		case 3: // unordered
			if x != y {
				return fmt.Errorf("comparison for NaN of two registers")
			}
			a.three(equal, "FCMEQ", x, y, d)
			a.word(complement|d<<5|d, "NOT v%d.16b, v%[1]d.16b", d)
		case 30: // >
			a.three(greater, "FCMGT", x, y, d)
		default:
			return fmt.Errorf("unknown comparison %d", constant(o[0]))
		}
	case "VFMADD231PS":
		a.accumulate("VFMLA", a.vector(o[0]), a.vector(o[1]), d, d)
	case "VFMADD213PS":
		a.accumulate("VFMLA", a.vector(o[1]), d, a.vector(o[0]), d)
	case "VFNMADD231PS":
		a.accumulate("VFMLS", a.vector(o[0]), a.vector(o[1]), d, d)
	case "VFNMADD213PS":
		a.accumulate("VFMLS", a.vector(o[1]), d, a.vector(o[0]), d)
	case "VCVTPS2DQ":
		a.two(0x4E21A800, "FCVTNS", a.vector(o[0]), d)
	case "VCVTDQ2PS":
		a.two(0x4E21D800, "SCVTF", a.vector(o[0]), d)
	case "VPADDD":
		a.op("VADD V%d.S4, V%d.S4, V%d.S4", a.vector(o[0]), a.vector(o[1]), d)
	case "VPSUBD":
		a.op("VSUB V%d.S4, V%d.S4, V%d.S4", a.vector(o[0]), a.vector(o[1]), d)
	case "VPSLLD":
		a.op("VSHL $%d, V%d.S4, V%d.S4", constant(o[0]), a.vector(o[1]), d)
	case "VPSRAD":
		shift := uint32(constant(o[0]))
		a.word(0x4F000400|(64-shift)<<16|a.vector(o[1])<<5|d, "SSHR v%d.4s, v%d.4s, #%d", d, a.vector(o[1]), shift)
	default:
		return fmt.Errorf("has no translation")
	}
	return nil
}

// loadLanes reads as many lanes as lanesLeft says, 0 to 4, zero in the others.
func (a *arm) loadLanes(m Mem, r uint32) {
	base := a.base(m)
	a.fullOr("FMOVQ (%s), F%d", base, r)
	a.some("FMOVD (%s), F%d", "VLD1 (%s), V%d.S[2]", "FMOVS (%s), F%d", base, r, fmt.Sprintf("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", r))
}

// storeLanes writes as many lanes as lanesLeft says, 0 to 4.
func (a *arm) storeLanes(r uint32, m Mem) {
	base := a.base(m)
	a.fullOr("FMOVQ F%[2]d, (%[1]s)", base, r)
	a.some("FMOVD F%[2]d, (%[1]s)", "VST1 V%[2]d.S[2], (%[1]s)", "FMOVS F%[2]d, (%[1]s)", base, r, "")
}

// fullOr writes the usual case of four lanes, which is fallen into.
func (a *arm) fullOr(four, base string, r uint32) {
	a.labels++
	a.op("TBZ $2, %s, some%d", lanesLeft, a.labels)
	a.op(four, base, r)
	fmt.Fprintf(a, "moved%d:\n", a.labels)
}

// some writes the others, behind the function: two and the third, or one, or, after none, nothing.
func (a *arm) some(two, third, one, base string, r uint32, none string) {
	cold := arm{}
	n := a.labels
	fmt.Fprintf(&cold, "\nsome%d:\n", n)
	cold.op("TBZ $1, %s, one%d", lanesLeft, n)
	cold.op(two, base, r)
	cold.op("TBZ $0, %s, moved%d", lanesLeft, n)
	cold.op("ADD $8, %s, %s", base, address)
	cold.op(third, address, r)
	cold.op("B moved%d", n)
	fmt.Fprintf(&cold, "one%d:\n", n)
	if none != "" {
		cold.op("%s", none)
	}
	cold.op("TBZ $0, %s, moved%d", lanesLeft, n)
	cold.op(one, base, r)
	cold.op("B moved%d", n)
	a.cold.Write(cold.Bytes())
}

// base is the register that points to a place in memory.
func (a *arm) base(m Mem) string {
	at := a.memory(m)
	if m.Disp == 0 {
		return strings.Trim(at, "()")
	}
	from := generalRegisters[m.Base.Asm()]
	if m.Index != nil {
		from = address
	}
	a.op("ADD $%d, %s, %s", m.Disp, from, address)
	return address
}

// someLanes reads n lanes, 4 or 1.
func (v *isa) someLanes(n int, from Mem, to VecPhysical) {
	if n == v.lanes {
		v.VMOVUPS(from, to)
	} else {
		v.VMOVSS(from, to)
	}
}
