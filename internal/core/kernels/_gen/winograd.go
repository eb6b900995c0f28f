package main

import (
	"fmt"
	"io"
	"strings"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tileSizes are the numbers of outputs of the one-dimensional transforms.
var tileSizes = []int{3, 4, 5, 7}

const (
	lineParams   = "constants, src []float32, srcStep, srcLine, ahead int, dst []float32, dstStep, dstLine, lines, channels int"
	finishParams = lineParams + ", scale, shift, residual []float32, resStep, resLine int, floor float32"
)

func (v *isa) winograd(tables io.Writer) {
	fmt.Fprintf(tables, "\nvar %sWinograd = winogradSet{\n", v.name)
	for _, t := range []struct {
		kind string
		past bool
	}{{"Input", false}, {"Input", true}, {"Output", false}, {"Finish", false}, {"Finish", true}, {"Gradient", false}} {
		if t.past && v.neon { // it has no stores past the cache
			continue
		}
		name, function := t.kind+pastName(t.past), "line"
		if t.kind == "Finish" {
			function = "finish"
		}
		fmt.Fprintf(tables, "%s: [8]%sFunc{", strings.ToLower(name[:1])+name[1:], function)
		for _, m := range tileSizes {
			fmt.Fprintf(tables, "%d: %sWinograd%s%d,", m, v.name, name, m)
			l := newLines(v, t.kind, m)
			l.past = t.past
			l.write()
		}
		fmt.Fprintln(tables, "},")
	}
	if !v.neon {
		v.function("StoreFence", "func()", "makes what was stored past the cache visible to others before what is stored later.")
		v.SFENCE()
		v.RET()
		fmt.Fprintf(tables, "fence: %sStoreFence,\n", v.name)
	}
	fmt.Fprintln(tables, "}")
}

// lines writes one transform (winograd_points.go) as a lineFunc or finishFunc.
type lines struct {
	*isa
	kind string
	m, n int
	zero bool // 0 is a point
	past bool // whole vectors are stored past the cache
	// pairs of points ±p
	pairs int

	srcStep, srcStep3 GPPhysical
	src               []GPPhysical // elements 0 and 5 of a line
	ahead             []GPPhysical // what is fetched for later
	dstStep, dstStep3 GPPhysical
	dst               []GPPhysical
	table             GPPhysical // constants
	scale, shift      GPPhysical
	resVector, res    GPPhysical // residual of the vector's first output, of the current one
	resStep           GPPhysical
	left, resLine     Mem

	x         []VecPhysical // inputs
	t         []VecPhysical // temporary
	floor     VecPhysical
	free      VecPhysical   // after the pairs are summed
	constants []VecPhysical // as many as there are registers for
}

func newLines(v *isa, kind string, m int) *lines {
	l := &lines{isa: v, kind: kind, m: m, n: m + 2, zero: m%2 == 0, pairs: (m + 1) / 2,
		src: []GPPhysical{RAX, RCX}, srcStep: R8, srcStep3: R9,
		dst: []GPPhysical{RDX, RBX}, dstStep: R10, dstStep3: R11,
		ahead: []GPPhysical{R13, R15}, table: R12, scale: RSI, shift: RDI, resVector: R13, res: R14, resStep: R15,
	}
	l.x = v.regs[:l.inputs()]
	temporary := 4 // and the mask of AVX2
	l.t = v.regs[l.n : l.n+temporary]
	l.floor = v.regs[l.n+temporary]
	l.constants = l.left32(l.n + temporary + 1)
	if kind == "Input" || kind == "Gradient" {
		l.t = v.regs[l.n : l.n+3]
		l.constants = l.left32(l.n + 3)
	}
	return l
}

// left32 are the registers from number first on for constants, where there are 32.
func (l *lines) left32(first int) []VecPhysical {
	switch {
	case l.wide:
		return l.regs[first:]
	case l.neon:
		return l.regs[first:neonRegisters]
	}
	return nil
}

// replica is the distance of constants in memory: each stands there once for each lane of an AVX2 vector.
const replica = 32

func (l *lines) count() int {
	if l.kind == "Input" {
		return l.pairs*l.pairs + l.pairs
	}
	return (l.m - 1) * l.pairs
}

// multiply sets to = constant k * x.
func (l *lines) multiply(k int, x, to VecPhysical) {
	switch {
	case k < len(l.constants):
		l.VMULPS(l.constants[k], x, to)
	case l.wide:
		l.VMULPS_BCST(Mem{Base: l.table, Disp: replica * k}, x, to)
	default:
		l.VMULPS(Mem{Base: l.table, Disp: replica * k}, x, to)
	}
}

func (l *lines) multiplyAdd(k int, x, to VecPhysical) {
	switch {
	case k < len(l.constants):
		l.VFMADD231PS(l.constants[k], x, to)
	case l.wide:
		l.VFMADD231PS_BCST(Mem{Base: l.table, Disp: replica * k}, x, to)
	default:
		l.VFMADD231PS(Mem{Base: l.table, Disp: replica * k}, x, to)
	}
}

func (l *lines) multiplySubtract(k int, x, to VecPhysical) {
	switch {
	case k < len(l.constants):
		l.VFNMADD231PS(l.constants[k], x, to)
	case l.wide:
		l.VFNMADD231PS_BCST(Mem{Base: l.table, Disp: replica * k}, x, to)
	default:
		l.VFNMADD231PS(Mem{Base: l.table, Disp: replica * k}, x, to)
	}
}

// element is where element i of a line lies.
func element(i int, bases []GPPhysical, step, step3 GPPhysical) Mem {
	m := Mem{Base: bases[i/5]}
	switch i % 5 {
	case 3:
		m.Index, m.Scale = step3, 1
	case 1, 2, 4:
		m.Index, m.Scale = step, uint8(i%5)
	}
	return m
}

// fetches says whether it is the first of two passes, the one that reads what is not in the first-level cache.
func (l *lines) fetches() bool {
	return (l.kind == "Input" || l.kind == "Output") && !l.past && !l.neon
}

func (l *lines) finishes() bool { return l.kind == "Finish" }

func (l *lines) write() {
	params, doc := lineParams, "is the lineFunc of Bᵀ for %d outputs."
	switch l.kind {
	case "Output":
		doc = "is the lineFunc of Aᵀ for %d outputs."
	case "Gradient":
		doc = "is the lineFunc of A for %d outputs."
	case "Finish":
		params, doc = finishParams, "is the finishFunc for %d outputs."
	}
	if l.past {
		doc = strings.TrimSuffix(doc, ".") + ", which stores past the cache."
	}
	l.function(fmt.Sprintf("Winograd%s%s%d", l.kind, pastName(l.past), l.m), "func("+params+")", fmt.Sprintf(doc, l.m))
	frame := l.AllocLocal(16)
	l.left, l.resLine = frame, frame.Offset(8)

	l.Load(l.Param("constants").Base(), l.table)
	for k := range min(len(l.constants), l.count()) {
		l.VBROADCASTSS(Mem{Base: l.table, Disp: replica * k}, l.constants[k])
	}
	l.steps("srcStep", l.srcStep, l.srcStep3)
	l.steps("dstStep", l.dstStep, l.dstStep3)
	l.SHLQ(Imm(2), l.argument("srcLine"))
	l.SHLQ(Imm(2), l.argument("dstLine"))
	if l.fetches() {
		l.SHLQ(Imm(2), l.argument("ahead"))
	}
	if l.finishes() {
		l.Load(l.Param("resStep"), l.resStep)
		l.SHLQ(Imm(2), l.resStep)
		l.SHLQ(Imm(2), l.argument("resLine"))
		l.MOVQ(l.base("residual"), RAX)
		l.MOVQ(RAX, l.resLine)
		l.VBROADCASTSS(l.argument("floor"), l.floor)
	}
	if l.ownMask() {
		l.MOVQ(l.argument("channels"), RAX)
		l.ANDQ(imm(l.lanes-1), RAX)
		l.tailMask(RAX, nil)
	}

	l.Label("line")
	l.MOVQ(l.base("src"), l.src[0])
	l.second(l.src, l.srcStep, l.inputs())
	if l.fetches() {
		l.MOVQ(l.argument("ahead"), l.ahead[0])
		l.ADDQ(l.src[0], l.ahead[0])
		l.second(l.ahead, l.srcStep, l.inputs())
	}
	l.MOVQ(l.base("dst"), l.dst[0])
	l.second(l.dst, l.dstStep, l.outputs())
	if l.finishes() {
		l.MOVQ(l.base("scale"), l.scale)
		l.MOVQ(l.base("shift"), l.shift)
		l.MOVQ(l.resLine, l.resVector)
	}
	l.MOVQ(l.argument("channels"), l.res) // free until the first output
	l.SUBQ(imm(l.lanes), l.res)
	l.JL(LabelRef("tail"))
	l.Label("vector")
	l.MOVQ(l.res, l.left)
	l.body(nil)
	l.advance()
	l.MOVQ(l.left, l.res)
	l.SUBQ(imm(l.lanes), l.res)
	l.JGE(LabelRef("vector"))
	l.Label("tail")
	l.ADDQ(imm(l.lanes), l.res)
	l.JZ(LabelRef("next"))
	m := mask{K1}
	if !l.ownMask() {
		l.MOVQ(l.src[0], l.left) // tailMask wants AX and CX
		m = l.tailMask(l.res, l.regs[15])
		l.MOVQ(l.left, l.src[0])
		l.second(l.src, l.srcStep, l.inputs())
	}
	l.body(&m)

	l.Label("next")
	l.MOVQ(l.argument("srcLine"), RAX)
	l.ADDQ(RAX, l.base("src"))
	l.MOVQ(l.argument("dstLine"), RAX)
	l.ADDQ(RAX, l.base("dst"))
	if l.finishes() {
		l.MOVQ(l.argument("resLine"), RAX)
		l.ADDQ(RAX, l.resLine)
	}
	l.DECQ(l.argument("lines"))
	l.JNZ(LabelRef("line"))
	l.ret()
}

func (l *lines) inputs() int {
	if l.kind == "Gradient" {
		return l.m
	}
	return l.n
}

func (l *lines) outputs() int {
	if l.kind == "Input" || l.kind == "Gradient" {
		return l.n
	}
	return l.m
}

// base is where the pointer of a slice argument lies.
func (l *lines) base(name string) Mem {
	b, err := l.Param(name).Base().Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// steps loads a distance, in bytes, and three times it.
func (l *lines) steps(name string, step, step3 GPPhysical) {
	l.Load(l.Param(name), step)
	l.SHLQ(Imm(2), step)
	l.LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
}

// second points to element 5, if there is one.
func (l *lines) second(bases []GPPhysical, step GPPhysical, elements int) {
	if elements > 5 {
		l.LEAQ(Mem{Base: bases[0], Index: step, Scale: 4}, bases[1])
		l.ADDQ(step, bases[1])
	}
}

// advance moves all pointers by a vector.
func (l *lines) advance() {
	pointers := []GPPhysical{l.src[0], l.dst[0]}
	if l.inputs() > 5 {
		pointers = append(pointers, l.src[1])
	}
	if l.outputs() > 5 {
		pointers = append(pointers, l.dst[1])
	}
	if l.fetches() {
		pointers = append(pointers, l.ahead[0])
		if l.inputs() > 5 {
			pointers = append(pointers, l.ahead[1])
		}
	}
	if l.finishes() {
		pointers = append(pointers, l.scale, l.shift, l.resVector)
	}
	for _, p := range pointers {
		l.ADDQ(imm(l.bytes()), p)
	}
}

func (l *lines) body(m *mask) {
	for i, x := range l.x {
		l.load(element(i, l.src, l.srcStep, l.srcStep3), m, x)
		if l.fetches() && m == nil {
			l.PREFETCHT0(element(i, l.ahead, l.srcStep, l.srcStep3))
		}
	}
	if l.kind == "Input" {
		l.input(m)
		return
	}
	if l.kind == "Gradient" {
		l.gradient(m)
		return
	}
	if l.finishes() {
		l.MOVQ(l.resVector, l.res)
	}
	l.output(m)
}

// input is transform.input of winograd_points.go, operation by operation.
func (l *lines) input(m *mask) {
	emit := func(k int, y VecPhysical) { l.storePast(y, m, element(k, l.dst, l.dstStep, l.dstStep3), l.past) }
	sum := func(from, terms, constant int, acc VecPhysical) {
		l.VMOVAPS(l.x[from+2*terms-2], acc)
		for j := terms - 2; j >= 0; j-- {
			l.multiplyAdd(constant, l.x[from+2*j], acc)
			constant++
		}
	}
	even, odd, k := 1, 0, 0
	if l.zero {
		even, odd, k = 2, 1, 1
	}
	e, o, y := l.t[0], l.t[1], l.t[2]
	for i := range l.pairs {
		first := i * l.pairs // lower coefficients, then the point
		sum(even, l.pairs, first, e)
		sum(odd, l.pairs, first, o)
		l.VMOVAPS(e, y)
		l.multiplyAdd(first+l.pairs-1, o, y)
		emit(k+2*i, y)
		l.multiplySubtract(first+l.pairs-1, o, e)
		emit(k+2*i+1, e)
	}
	all := l.pairs * l.pairs
	if l.zero {
		sum(0, l.pairs+1, all, e)
		emit(0, e)
		sum(1, l.pairs+1, all, o)
		emit(l.n-1, o)
		return
	}
	sum(0, l.pairs+1, all, e)
	emit(l.n-1, e)
}

// gradient is transform.gradient of winograd_points.go, operation by operation.
func (l *lines) gradient(m *mask) {
	emit := func(k int, y VecPhysical) { l.store(y, m, element(k, l.dst, l.dstStep, l.dstStep3)) }
	even, odd, y := l.t[0], l.t[1], l.t[2]
	k := 0
	if l.zero {
		emit(0, l.x[0])
		k = 1
	}
	emit(l.n-1, l.x[l.m-1])
	for i := range l.pairs {
		l.VMOVAPS(l.x[0], even)
		l.multiply(i, l.x[1], odd)
		for power := 2; power < l.m; power++ {
			l.multiplyAdd((power-1)*l.pairs+i, l.x[power], []VecPhysical{even, odd}[power%2])
		}
		l.VADDPS(odd, even, y)
		emit(k+2*i, y)
		l.VSUBPS(odd, even, y)
		emit(k+2*i+1, y)
	}
}

// output is transform.output of winograd_points.go, operation by operation.
func (l *lines) output(m *mask) {
	k := 0
	if l.zero {
		k = 1
	}
	y, free := l.t[0], l.t[1]
	sums, differences := make([]VecPhysical, l.pairs), make([]VecPhysical, l.pairs)
	for i := range l.pairs {
		plus, minus := l.x[k+2*i], l.x[k+2*i+1]
		l.VSUBPS(minus, plus, free)
		l.VADDPS(minus, plus, plus)
		sums[i], differences[i], free = plus, free, minus
	}
	l.free = free
	l.VADDPS(sums[1], sums[0], y)
	for _, s := range sums[2:] {
		l.VADDPS(s, y, y)
	}
	if l.zero {
		l.VADDPS(l.x[0], y, y)
	}
	l.emit(0, y, m)
	for o := 1; o < l.m; o++ {
		half := sums
		if o%2 == 1 {
			half = differences
		}
		first := (o - 1) * l.pairs
		if o == l.m-1 {
			y = l.x[l.n-1]
			l.multiplyAdd(first, half[0], y)
		} else {
			l.multiply(first, half[0], y)
		}
		for i := 1; i < l.pairs; i++ {
			l.multiplyAdd(first+i, half[i], y)
		}
		l.emit(o, y, m)
	}
}

// emit stores output o, after the epilogue in a finishFunc.
func (l *lines) emit(o int, y VecPhysical, m *mask) {
	if l.finishes() {
		a, b := l.t[2], l.t[3]
		if o == 0 {
			l.load(Mem{Base: l.scale}, m, a)
			l.load(Mem{Base: l.shift}, m, b)
		}
		l.VFMADD213PS(b, a, y)
		done := fmt.Sprintf("added%d", o)
		if m != nil {
			done += "tail"
		}
		l.CMPQ(l.base("residual"), Imm(0))
		l.JEQ(LabelRef(done))
		l.load(Mem{Base: l.res}, m, l.free)
		l.VADDPS(l.free, y, y)
		if o < l.m-1 {
			l.ADDQ(l.resStep, l.res)
		}
		l.Label(done)
		l.VMAXPS(y, l.floor, y)
	}
	l.storePast(y, m, element(o, l.dst, l.dstStep, l.dstStep3), l.past)
}
