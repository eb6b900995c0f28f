package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// depthwise writes convolutions of each channel on its own, for one pixel and for several in a row. A vector of weights
// is loaded once for all pixels; their sums are independent chains.
func (v *isa) depthwise() {
	many := 8
	if v.wide {
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
	v.SUBQ(imm(v.lanes), channels)
	v.JL(LabelRef("tail"))
	v.Label("vector")
	body(nil, "tap")
	for _, p := range []GPPhysical{out, in, kernel, shift} {
		v.ADDQ(imm(v.bytes()), p)
	}
	v.SUBQ(imm(v.lanes), channels)
	v.JGE(LabelRef("vector"))
	v.Label("tail")
	v.ADDQ(imm(v.lanes), channels)
	v.JZ(LabelRef("done"))
	m := v.tailMask(channels, v.maskReg())
	body(&m, "tailTap")
	v.Label("done")
	v.ret()
}

// sum writes the sum over pixels, a vector of channels at a time.
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
	acc, value := v.regs[0], v.regs[1]
	body := func(m *mask, label string) {
		v.load(Mem{Base: sum}, m, acc)
		v.MOVQ(x, at)
		v.MOVQ(pixels, n)
		v.Label(label)
		v.load(Mem{Base: at}, m, value)
		v.VADDPS(value, acc, acc)
		v.ADDQ(stride, at)
		v.DECQ(n)
		v.JNZ(LabelRef(label))
		v.store(acc, m, Mem{Base: sum})
	}
	v.SUBQ(imm(v.lanes), channels)
	v.JL(LabelRef("tail"))
	v.Label("vector")
	body(nil, "pixel")
	v.ADDQ(imm(v.bytes()), sum)
	v.ADDQ(imm(v.bytes()), x)
	v.SUBQ(imm(v.lanes), channels)
	v.JGE(LabelRef("vector"))
	v.Label("tail")
	v.ADDQ(imm(v.lanes), channels)
	v.JZ(LabelRef("done"))
	m := v.tailMask(channels, v.maskReg())
	body(&m, "tailPixel")
	v.Label("done")
	v.ret()
}
