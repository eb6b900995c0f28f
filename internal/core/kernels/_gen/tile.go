package main

import (
	"fmt"
	"io"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// shapes lists the micro-kernels: for 1, 2 and 3 vectors of output channels up to so many pixels. The sums, a vector
// of weights each and one or two broadcast inputs have to fit the registers; below eight sums the multipliers wait
// for each other, and with one vector they wait for loads.
func (v *isa) shapes() [3]int {
	switch {
	case v.wide:
		return [3]int{14, 14, 9}
	case v.neon: // a vector of four channels of each pixel in place of broadcast inputs
		return [3]int{15, 10, 7}
	}
	return [3]int{12, 6, 4}
}

const cacheLine = 64 // bytes

const tileSignature = "func(in *float32, inPixel, inTap, inRow, kh, kw, length int, weights, bias, scale, shift, residual *float32, resPixel int, out *float32, outPixel, lanes, relu, tiles int, next0 uintptr, step0 int, next1 uintptr, step1 int, next2 uintptr, step2 int)"

func (v *isa) tiles(tables io.Writer) {
	fmt.Fprintf(tables, "\nvar %sTiles = [][]tileFunc{\n", v.name)
	for i, most := range v.shapes() {
		fmt.Fprint(tables, "{")
		for pixels := 1; pixels <= most; pixels++ {
			v.tile(i+1, pixels)
			fmt.Fprintf(tables, "%sTile%dx%d,", v.name, i+1, pixels)
		}
		fmt.Fprintln(tables, "},")
	}
	fmt.Fprintln(tables, "}")
}

// tile writes the tileFunc (conv_tiles.go) for some vectors of output channels and some pixels.
func (v *isa) tile(vectors, pixels int) {
	v.function(fmt.Sprintf("Tile%dx%d", vectors, pixels), tileSignature,
		fmt.Sprintf("is the tileFunc for %d vectors and %d pixels.", vectors, pixels))
	var (
		in      = v.Load(v.Param("in"), R8)
		pixel   = v.Load(v.Param("inPixel"), R9)
		out     = v.Load(v.Param("out"), RDI)
		step    = v.Load(v.Param("outPixel"), RDX)
		pixel3  = R15
		bases   = []GPPhysical{RAX, RCX, R14} // pixels 0, 5 and 10
		weights = RSI
		tap     = RBX
		next0   = v.Load(v.Param("next0"), R10)
		next1   = v.Load(v.Param("next1"), R11)
		next2   = v.Load(v.Param("next2"), R12)
		left    = R13 // channels
		sum     = func(p, j int) VecPhysical { return v.regs[p*vectors+j] }
		spare   = v.regs[pixels*vectors:]
		weight  = spare[:vectors]
		input   = spare[vectors:]
		bytes   = v.bytes()
	)
	if len(input) > 2 && !v.neon {
		input = input[:2]
	}
	if v.ownMask() {
		v.tailMask(v.argument("lanes"), nil) // AVX2 makes it when it is wanted, for want of a register
	}
	v.LEAQ(Mem{Base: pixel, Index: pixel, Scale: 2}, pixel3)
	frame := v.AllocLocal(24)
	row, rows, taps := frame, frame.Offset(8), frame.Offset(16) // first tap of the row of the window, rows and taps left

	v.Label("tile")
	v.start(sum, vectors, pixels, weight, out, step)
	v.MOVQ(v.argument("weights"), weights)
	v.MOVQ(v.argument("kh"), tap)
	v.MOVQ(tap, rows)
	v.MOVQ(in, tap)
	v.MOVQ(tap, row)

	v.Label("row")
	v.MOVQ(v.argument("kw"), left)
	v.MOVQ(left, taps)

	v.Label("tap")
	v.MOVQ(tap, bases[0])
	for i := 1; i < 3 && pixels > 5*i; i++ {
		v.LEAQ(Mem{Base: bases[i-1], Index: pixel, Scale: 4}, bases[i])
		v.ADDQ(pixel, bases[i])
	}
	at := func(p, channel int) Mem {
		m := Mem{Base: bases[p/5], Disp: 4 * channel}
		switch p % 5 {
		case 3:
			m.Index, m.Scale = pixel3, 1
		case 1, 2, 4:
			m.Index, m.Scale = pixel, uint8(p%5)
		}
		return m
	}
	channels := func(n int) {
		if v.neon {
			for p := range pixels {
				v.someLanes(n, at(p, 0), input[p])
			}
		}
		for c := range n {
			for j, w := range weight {
				v.VMOVUPS(Mem{Base: weights, Disp: (c*vectors + j) * bytes}, w)
			}
			for p := range pixels {
				if v.neon {
					for j, w := range weight {
						v.multiplyLane(input[p], c, w, sum(p, j))
					}
					continue
				}
				if vectors == 1 && v.wide {
					v.VFMADD231PS_BCST(at(p, c), weight[0], sum(p, 0))
					continue
				}
				x := input[p%len(input)]
				v.VBROADCASTSS(at(p, c), x)
				for j, w := range weight {
					v.VFMADD231PS(x, w, sum(p, j))
				}
			}
		}
		for i := 0; i < 3 && pixels > 5*i; i++ {
			v.ADDQ(imm(4*n), bases[i])
		}
		v.ADDQ(imm(n*vectors*bytes), weights)
	}
	const unroll = 4 // tileChannels of conv_fetch.go
	v.MOVQ(v.argument("length"), left)
	v.SUBQ(Imm(unroll), left)
	v.JL(LabelRef("rest"))
	v.Label("channels")
	v.PREFETCHT1(Mem{Base: next0})
	v.PREFETCHT1(Mem{Base: next0, Disp: cacheLine})
	v.PREFETCHT1(Mem{Base: next1})
	v.PREFETCHT1(Mem{Base: next1, Disp: cacheLine})
	v.PREFETCHT1(Mem{Base: next2})
	v.PREFETCHT1(Mem{Base: next2, Disp: cacheLine})
	v.ADDQ(v.argument("step0"), next0)
	v.ADDQ(v.argument("step1"), next1)
	v.ADDQ(v.argument("step2"), next2)
	channels(unroll)
	v.SUBQ(Imm(unroll), left)
	v.JGE(LabelRef("channels"))
	v.Label("rest")
	v.ADDQ(Imm(unroll), left)
	v.JZ(LabelRef("next"))
	v.Label("channel")
	channels(1)
	v.DECQ(left)
	v.JNZ(LabelRef("channel"))

	v.Label("next")
	v.ADDQ(v.argument("inTap"), tap)
	v.DECQ(taps)
	v.JNZ(LabelRef("tap"))
	v.MOVQ(row, tap)
	v.ADDQ(v.argument("inRow"), tap)
	v.MOVQ(tap, row)
	v.DECQ(rows)
	v.JNZ(LabelRef("row"))

	v.finish(sum, vectors, pixels, spare, out, step)
	v.IMUL3Q(imm(pixels), pixel, RAX)
	v.ADDQ(RAX, in)
	v.DECQ(v.argument("tiles"))
	v.JNZ(LabelRef("tile"))
	v.ret()
}

// start sets the sums to the bias, or without one to what out holds.
func (v *isa) start(sum func(p, j int) VecPhysical, vectors, pixels int, spare []VecPhysical, out, step Register) {
	v.MOVQ(v.argument("bias"), RAX)
	v.TESTQ(RAX, RAX)
	v.JZ(LabelRef("resume"))
	for j := range vectors {
		v.VMOVUPS(Mem{Base: RAX, Disp: j * v.bytes()}, spare[j])
		for p := range pixels {
			v.VMOVAPS(spare[j], sum(p, j))
		}
	}
	v.JMP(LabelRef("started"))
	v.Label("resume")
	m := mask{K1}
	if !v.ownMask() {
		m = v.tailMask(v.argument("lanes"), spare[0])
	}
	v.MOVQ(out, RCX)
	for p := range pixels {
		for j := range vectors {
			v.load(Mem{Base: RCX, Disp: j * v.bytes()}, lastOnly(j, vectors, &m), sum(p, j))
		}
		v.ADDQ(step, RCX)
	}
	v.Label("started")
}

// lastOnly is m for the last vector: the others are full.
func lastOnly(j, vectors int, m *mask) *mask {
	if j < vectors-1 {
		return nil
	}
	return m
}

// finish scales, adds the residual, cuts at zero and stores; out moves to the next tile.
func (v *isa) finish(sum func(p, j int) VecPhysical, vectors, pixels int, spare []VecPhysical, out, step Register) {
	bytes := v.bytes()
	a, b := spare[0], spare[1]
	m := mask{K1}
	if !v.ownMask() {
		m = v.tailMask(v.argument("lanes"), spare[len(spare)-1])
	}
	v.MOVQ(v.argument("scale"), RAX)
	v.TESTQ(RAX, RAX)
	v.JZ(LabelRef("scaled"))
	v.MOVQ(v.argument("shift"), RCX)
	for j := range vectors {
		v.load(Mem{Base: RAX, Disp: j * bytes}, lastOnly(j, vectors, &m), a)
		v.load(Mem{Base: RCX, Disp: j * bytes}, lastOnly(j, vectors, &m), b)
		for p := range pixels {
			v.VFMADD213PS(b, a, sum(p, j))
		}
	}
	v.Label("scaled")

	v.MOVQ(v.argument("residual"), RAX)
	v.TESTQ(RAX, RAX)
	v.JZ(LabelRef("added"))
	v.MOVQ(v.argument("resPixel"), RCX)
	for p := range pixels {
		for j := range vectors {
			v.load(Mem{Base: RAX, Disp: j * bytes}, lastOnly(j, vectors, &m), a)
			v.VADDPS(a, sum(p, j), sum(p, j))
		}
		v.ADDQ(RCX, RAX)
	}
	v.MOVQ(RAX, v.argument("residual"))
	v.Label("added")

	v.CMPQ(v.argument("relu"), Imm(0))
	v.JEQ(LabelRef("store"))
	v.zero(a)
	for p := range pixels {
		for j := range vectors {
			v.VMAXPS(sum(p, j), a, sum(p, j)) // 0 > x ? 0 : x, also for NaN
		}
	}
	v.Label("store")
	stores := func(m *mask) {
		for p := range pixels {
			for j := range vectors {
				v.store(sum(p, j), lastOnly(j, vectors, m), Mem{Base: out, Disp: j * bytes})
			}
			v.ADDQ(step, out)
		}
	}
	if v.wide {
		stores(&m)
		return
	}
	// Masked stores are slow on many AVX2 machines, and on arm64.
	v.CMPQ(v.argument("lanes"), imm(v.lanes))
	v.JNE(LabelRef("part"))
	stores(nil)
	v.JMP(LabelRef("stored"))
	v.Label("part")
	stores(&m)
	v.Label("stored")
}
