package main

import (
	"fmt"
	"io"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// outerShapes lists the micro-kernels of sums of outer products: for 1 and 2
// vectors of columns up to so many rows, whose sums stay in registers.
func (v *isa) outerShapes() [2]int {
	if v.wide {
		return [2]int{14, 14}
	}
	if v.neon {
		return [2]int{16, 12}
	}
	return [2]int{12, 6}
}

const outerSignature = "func(in *float32, inPixel, inRow int, grad *float32, gradPixel, gradRow, rows, pixels int, out *float32, outStep, lanes, add int, next *float32, nextStep int)"

func (v *isa) outers(tables io.Writer) {
	fmt.Fprintf(tables, "\nvar %sOuters = [2][]outerFunc{\n", v.name)
	for i, most := range v.outerShapes() {
		fmt.Fprint(tables, "{")
		for channels := 1; channels <= most; channels++ {
			v.outer(i+1, channels)
			fmt.Fprintf(tables, "%sOuter%dx%d,", v.name, i+1, channels)
		}
		fmt.Fprintln(tables, "},")
	}
	fmt.Fprintln(tables, "}")
}

// outer writes the outerFunc (outer.go) for some vectors of columns and some
// channels of the input.
func (v *isa) outer(vectors, channels int) {
	v.function(fmt.Sprintf("Outer%dx%d", vectors, channels), outerSignature,
		fmt.Sprintf("is the outerFunc for %d vectors and %d channels.", vectors, channels))
	var (
		in        = v.Load(v.Param("in"), R8)
		inPixel   = v.Load(v.Param("inPixel"), R9)
		grad      = v.Load(v.Param("grad"), R10)
		gradPixel = v.Load(v.Param("gradPixel"), R11)
		rows      = v.Load(v.Param("rows"), R12)
		x, g      = RSI, RBX // of the pixel
		left      = R13
		next      = RDI // what is fetched into the second-level cache, 128 bytes at a time at most
		sum       = func(c, j int) VecPhysical { return v.regs[c*vectors+j] }
		spare     = v.regs[channels*vectors:]
		columns   = spare[:vectors]
		m         mask
	)
	if v.ownMask() {
		m = v.tailMask(v.argument("lanes"), nil)
	} else {
		m = v.tailMask(v.argument("lanes"), v.maskReg())
		spare = v.regs[channels*vectors : 15]
	}
	inputs := spare[vectors:]
	if len(inputs) > 2 && !v.neon {
		inputs = inputs[:2]
	}
	for c := range channels {
		for j := range vectors {
			v.zero(sum(c, j))
		}
	}
	v.Load(v.Param("next"), next)
	v.Label("row")
	v.MOVQ(in, x)
	v.MOVQ(grad, g)
	v.Load(v.Param("pixels"), left)
	v.Label("pixel")
	v.PREFETCHT1(Mem{Base: next})
	v.PREFETCHT1(Mem{Base: next, Disp: cacheLine})
	v.ADDQ(v.argument("nextStep"), next)
	for j, r := range columns {
		v.load(Mem{Base: g, Disp: j * v.bytes()}, lastOnly(j, vectors, &m), r)
	}
	v.ADDQ(gradPixel, g)
	for c := range channels {
		from := Mem{Base: x, Disp: 4 * c}
		if v.neon {
			value := inputs[c/v.lanes%len(inputs)]
			lane := c % v.lanes
			if c+v.lanes-lane > channels {
				lane = 0
			}
			if lane == 0 {
				v.someLanes(min(v.lanes, channels-c), from, value)
			}
			for j, r := range columns {
				v.multiplyLane(value, lane, r, sum(c, j))
			}
			continue
		}
		if vectors == 1 && v.wide {
			v.VFMADD231PS_BCST(from, columns[0], sum(c, 0))
			continue
		}
		value := inputs[c%len(inputs)]
		v.VBROADCASTSS(from, value)
		for j, r := range columns {
			v.VFMADD231PS(value, r, sum(c, j))
		}
	}
	v.ADDQ(inPixel, x)
	v.DECQ(left)
	v.JNZ(LabelRef("pixel"))
	v.ADDQ(v.argument("inRow"), in)
	v.ADDQ(v.argument("gradRow"), grad)
	v.DECQ(rows)
	v.JNZ(LabelRef("row"))

	out := v.Load(v.Param("out"), RDI)
	step := v.Load(v.Param("outStep"), RDX)
	v.CMPQ(v.argument("add"), Imm(0))
	v.JEQ(LabelRef("store"))
	v.MOVQ(out, RSI)
	for c := range channels {
		for j := range vectors {
			v.load(Mem{Base: RSI, Disp: j * v.bytes()}, lastOnly(j, vectors, &m), columns[0])
			v.VADDPS(columns[0], sum(c, j), sum(c, j))
		}
		v.ADDQ(step, RSI)
	}
	v.Label("store")
	for c := range channels {
		for j := range vectors {
			v.store(sum(c, j), lastOnly(j, vectors, &m), Mem{Base: out, Disp: j * v.bytes()})
		}
		v.ADDQ(step, out)
	}
	v.ret()
}
