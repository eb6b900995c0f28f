package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// depthwise writes convolutions of each channel on its own, for one pixel and for several in a row. A vector of weights
// is loaded once for all pixels; their sums are independent chains.
func (v *isa) depthwise() {
	many := 8
	if v.wide || v.neon {
		many = 12
	}
	v.depthwisePixels("DepthwiseOne", 1)
	v.depthwisePixels("DepthwiseFew", 4)
	v.depthwisePixels("DepthwiseMany", many)
}

func (v *isa) depthwisePixels(name string, pixels int) {
	v.function(name, "func(out, in, kernel, shift *float32, taps *int, n, step, pixel, c int)", "makes output pixels of depthwiseFunc.")
	out, in, kernel, shift, taps, n, step, channels, bytes := RDI, RSI, RDX, R8, R9, R10, R11, R12, R13
	weights, tap, k, step3 := RAX, RBX, RCX, R15
	for _, p := range []struct {
		name string
		reg  GPPhysical
	}{{"out", out}, {"in", in}, {"kernel", kernel}, {"shift", shift}, {"taps", taps}, {"n", n}, {"step", step}, {"pixel", bytes}, {"c", channels}} {
		v.Load(v.Param(p.name), p.reg)
	}
	v.SHLQ(Imm(2), step)
	v.LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	v.SHLQ(Imm(2), bytes)
	weight := v.regs[pixels]

	body := func(m *mask, label string) {
		v.load(Mem{Base: shift}, m, v.regs[0])
		for i := 1; i < pixels; i++ {
			v.VMOVAPS(v.regs[0], v.regs[i])
		}
		v.MOVQ(kernel, weights)
		v.XORQ(k, k)
		v.Label(label)
		v.MOVQ(Mem{Base: taps, Index: k, Scale: 8}, tap)
		v.ADDQ(in, tap)
		v.load(Mem{Base: weights}, m, weight)
		for i := range pixels {
			if i > 0 && i%4 == 0 {
				v.LEAQ(Mem{Base: tap, Index: step, Scale: 4}, tap)
			}
			at := []Mem{{Base: tap}, {Base: tap, Index: step, Scale: 1}, {Base: tap, Index: step, Scale: 2}, {Base: tap, Index: step3, Scale: 1}}[i%4]
			if m == nil {
				v.VFMADD231PS(at, weight, v.regs[i])
			} else {
				x := v.regs[pixels+1]
				v.load(at, m, x)
				v.VFMADD231PS(x, weight, v.regs[i])
			}
		}
		v.ADDQ(bytes, weights)
		v.INCQ(k)
		v.CMPQ(k, n)
		v.JLT(LabelRef(label))
		v.MOVQ(out, weights)
		for i := range pixels {
			v.store(v.regs[i], m, Mem{Base: weights})
			if i+1 < pixels {
				v.ADDQ(bytes, weights)
			}
		}
	}
	v.eachVector(channels, []GPPhysical{out, in, kernel, shift}, body, "tap", "tailTap")
}

// eachVector ends a function with a body for each vector of channels, between which pointers move on, and for the
// channels that are left. The body gets a label of its own.
func (v *isa) eachVector(channels GPPhysical, pointers []GPPhysical, body func(m *mask, label string), full, part string) {
	v.SUBQ(imm(v.lanes), channels)
	v.JL(LabelRef("tail"))
	v.Label("vector")
	body(nil, full)
	for _, p := range pointers {
		v.ADDQ(imm(v.bytes()), p)
	}
	v.SUBQ(imm(v.lanes), channels)
	v.JGE(LabelRef("vector"))
	v.Label("tail")
	v.ADDQ(imm(v.lanes), channels)
	v.JZ(LabelRef("done"))
	m := v.tailMask(channels, v.maskReg())
	body(&m, part)
	v.Label("done")
	v.ret()
}

// pairs writes 3×3 convolutions of each channel for pixels side by side in two rows of outputs, with the activation. An
// input is loaded once for all its products: the rows of the input go by, and each output adds its taps in the order in
// which depthwisePixels does.
func (v *isa) pairs() {
	switch {
	case v.wide:
		v.pair("PairFew1", 4, 1)
		v.pair("PairMany1", 12, 1)
		v.pair("PairFew2", 4, 2)
		v.pair("PairMany2", 8, 2)
	case v.neon:
		v.pair("PairFew1", 4, 1)
		v.pair("PairMany1", 8, 1)
		v.pair("PairFew2", 4, 2)
		v.pair("PairMany2", 8, 2)
	default:
		v.pair("PairFew1", 2, 1)
		v.pair("PairMany1", 4, 1)
		v.pair("PairMany2", 2, 2)
	}
}

func (v *isa) pair(name string, pixels, stride int) {
	v.function(name, "func(out, in, kernel, shift *float32, inRow, outRow, pixel, c, act int)", "makes output pixels of pairFunc.")
	out, in, kernel, shift, inRow, outRow, bytes, channels, act := RDI, RSI, RDX, R8, R9, R10, R11, R12, R13
	tap, weights, pixel3 := RAX, RBX, R15
	for _, p := range []struct {
		name string
		reg  GPPhysical
	}{{"out", out}, {"in", in}, {"kernel", kernel}, {"shift", shift}, {"inRow", inRow}, {"outRow", outRow}, {"pixel", bytes}, {"c", channels}, {"act", act}} {
		v.Load(v.Param(p.name), p.reg)
	}
	for _, r := range []GPPhysical{inRow, outRow, bytes} {
		v.SHLQ(Imm(2), r)
	}
	v.LEAQ(Mem{Base: bytes, Index: bytes, Scale: 2}, pixel3)
	sums := [2][]VecPhysical{v.regs[:pixels], v.regs[pixels : 2*pixels]}
	held := 1 + stride // rows of weights that an input row meets
	taps := v.regs[2*pixels : 2*pixels+3*held]
	x := v.regs[2*pixels+3*held]

	body := func(m *mask, label string) {
		v.load(Mem{Base: shift}, m, sums[0][0])
		for i := 1; i < 2*pixels; i++ {
			v.VMOVAPS(sums[0][0], v.regs[i])
		}
		v.MOVQ(kernel, weights)
		v.MOVQ(in, tap)
		for row := range 3 + stride {
			if row < 3 { // the row of weights that is new
				for kw := range 3 {
					v.load(Mem{Base: weights}, m, taps[row%held*3+kw])
					if row+kw < 4 {
						v.ADDQ(bytes, weights)
					}
				}
			}
			at := v.places(tap, bytes, pixel3, RCX)
			for column := range (pixels-1)*stride + 3 {
				v.load(at(column), m, x)
				for r := range sums {
					kh := row - r*stride
					if kh < 0 || kh > 2 {
						continue
					}
					for kw := range 3 {
						if p := column - kw; p >= 0 && p%stride == 0 && p/stride < pixels {
							v.VFMADD231PS(x, taps[kh%held*3+kw], sums[r][p/stride])
						}
					}
				}
			}
			v.ADDQ(inRow, tap)
		}
		v.activations(act, v.regs[:2*pixels], v.regs[2*pixels:2*pixels+5], label)
		v.MOVQ(out, tap)
		for r := range sums {
			at := v.places(tap, bytes, pixel3, RCX)
			for p := range pixels {
				v.store(sums[r][p], m, at(p))
			}
			if r == 0 {
				v.ADDQ(outRow, tap)
			}
		}
	}
	v.eachVector(channels, []GPPhysical{out, in, kernel, shift}, body, "full", "part")
}

// places gives the pixels of a row from base on, asked for in rising order; step is a pixel, step3 are three. It destroys
// spare.
func (v *isa) places(base, step, step3, spare GPPhysical) func(i int) Mem {
	from, origin := base, 0
	return func(i int) Mem {
		for i-origin >= 4 {
			v.LEAQ(Mem{Base: from, Index: step, Scale: 4}, spare)
			from, origin = spare, origin+4
		}
		return []Mem{{Base: from}, {Base: from, Index: step, Scale: 1}, {Base: from, Index: step, Scale: 2}, {Base: from, Index: step3, Scale: 1}}[i-origin]
	}
}

// activations applies none, relu or hard-swish, by the number in act, to values. It destroys AX and the five spare
// registers.
func (v *isa) activations(act GPPhysical, values, spare []VecPhysical, label string) {
	zero, three, six, factor, y := spare[0], spare[1], spare[2], spare[3], spare[4]
	v.TESTQ(act, act)
	v.JZ(LabelRef(label + "Done"))
	v.zero(zero)
	v.CMPQ(act, Imm(activationRelu))
	v.JNE(LabelRef(label + "Hard"))
	for _, x := range values {
		v.VMAXPS(x, zero, x)
	}
	v.JMP(LabelRef(label + "Done"))
	v.Label(label + "Hard")
	v.constant(3, three)
	v.constant(6, six)
	v.constant(1./6, factor)
	for _, x := range values {
		v.VADDPS(three, x, y)
		v.VMAXPS(y, zero, y)
		v.VMINPS(y, six, y)
		v.VMULPS(y, x, x)
		v.VMULPS(factor, x, x)
	}
	v.Label(label + "Done")
}

// activationRelu is kernels.Relu.
const activationRelu = 1

// sum writes the sum over pixels, four vectors of channels at a time, whose sums are independent chains, or one.
func (v *isa) sum() {
	v.function("Sum", "func(sum, x *float32, pixels, stride, c int)", "adds x[p*stride+i] to sum[i], i < c, for pixels > 0.")
	sum, x, pixels, stride, channels, at, n := RDI, RSI, RDX, R8, R10, RBX, R11
	for _, p := range []struct {
		name string
		reg  GPPhysical
	}{{"sum", sum}, {"x", x}, {"pixels", pixels}, {"stride", stride}, {"c", channels}} {
		v.Load(v.Param(p.name), p.reg)
	}
	v.SHLQ(Imm(2), stride)
	body := func(vectors int, m *mask, label string) {
		place := func(base GPPhysical, i int) Mem { return Mem{Base: base, Disp: i * v.bytes()} }
		for i := range vectors {
			v.load(place(sum, i), m, v.regs[i])
		}
		v.MOVQ(x, at)
		v.MOVQ(pixels, n)
		v.Label(label)
		for i := range vectors {
			v.load(place(at, i), m, v.regs[4+i])
			v.VADDPS(v.regs[4+i], v.regs[i], v.regs[i])
		}
		v.ADDQ(stride, at)
		v.DECQ(n)
		v.JNZ(LabelRef(label))
		for i := range vectors {
			v.store(v.regs[i], m, place(sum, i))
		}
	}
	next := func(vectors int) {
		v.ADDQ(imm(vectors*v.bytes()), sum)
		v.ADDQ(imm(vectors*v.bytes()), x)
		v.SUBQ(imm(vectors*v.lanes), channels)
	}
	v.Label("four")
	v.CMPQ(channels, imm(4*v.lanes))
	v.JL(LabelRef("one"))
	body(4, nil, "fourPixels")
	next(4)
	v.JMP(LabelRef("four"))
	v.Label("one")
	v.CMPQ(channels, imm(v.lanes))
	v.JL(LabelRef("tail"))
	body(1, nil, "pixel")
	next(1)
	v.JMP(LabelRef("one"))
	v.Label("tail")
	v.TESTQ(channels, channels)
	v.JZ(LabelRef("done"))
	m := v.tailMask(channels, v.maskReg())
	body(1, &m, "tailPixel")
	v.Label("done")
	v.ret()
}
