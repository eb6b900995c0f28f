package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Registers of the element-wise functions: pointers into the slices and the mask of AVX2.
var pointers = []GPPhysical{RDI, RSI, RDX, R8, R9}

var left = R10 // values left to do

func (v *isa) maskReg() VecPhysical { return v.regs[15] }

// each writes the loop over the values of some slices, body once for full vectors and once for a tail.
func (v *isa) each(slices []string, body func(at []Mem, m *mask)) {
	at := make([]Mem, len(slices))
	for i, name := range slices {
		at[i] = Mem{Base: v.Load(v.Param(name).Base(), pointers[i])}
	}
	v.Load(v.Param(slices[0]).Len(), left)
	v.SUBQ(imm(v.lanes), left)
	v.JL(LabelRef("tail"))
	v.Label("vector")
	body(at, nil)
	for i := range at {
		v.ADDQ(imm(v.bytes()), pointers[i])
	}
	v.SUBQ(imm(v.lanes), left)
	v.JGE(LabelRef("vector"))
	v.Label("tail")
	v.ADDQ(imm(v.lanes), left)
	v.JZ(LabelRef("done"))
	m := v.tailMask(left, v.maskReg())
	body(at, &m)
	v.Label("done")
	v.ret()
}

func (v *isa) elementwise() {
	v.add()
	v.max()
	v.blend4()
	v.relu()
	v.hard()
	v.sigmoid("Sigmoid", "sets x[i] = sigmoid(x[i]).", false)
	v.sigmoid("Swish", "sets x[i] *= sigmoid(x[i]).", true)
}

func (v *isa) add() {
	v.function("Add", "func(dst, a, b []float32)", "sets dst[i] = a[i] + b[i].")
	x, y := v.regs[0], v.regs[1]
	v.each([]string{"dst", "a", "b"}, func(at []Mem, m *mask) {
		v.load(at[1], m, x)
		v.load(at[2], m, y)
		v.VADDPS(y, x, x)
		v.store(x, m, at[0])
	})
}

func (v *isa) max() {
	v.function("Max", "func(dst, a []float32)", "sets dst[i] = a[i] unless dst[i] > a[i] or dst[i] is a NaN.")
	d, x, nan := v.regs[0], v.regs[1], v.regs[2]
	v.each([]string{"dst", "a"}, func(at []Mem, m *mask) {
		v.load(at[0], m, d)
		v.load(at[1], m, x)
		v.VMAXPS(x, d, x) // d > x ? d : x, x if one is a NaN
		const unordered = 3
		if v.wide {
			v.VCMPPS(Imm(unordered), d, d, K2)
			v.VMOVAPS(d, K2, x)
		} else {
			v.VCMPPS(Imm(unordered), d, d, nan)
			v.VBLENDVPS(nan, d, x, x)
		}
		v.store(x, m, at[0])
	})
}

func (v *isa) blend4() {
	v.function("Blend4", "func(dst, p00, p01, p10, p11 []float32, w00, w01, w10, w11 float32)",
		"sets dst[i] = p00[i]*w00 + p01[i]*w01 + p10[i]*w10 + p11[i]*w11.")
	w := v.regs[4:8]
	for i, name := range []string{"w00", "w01", "w10", "w11"} {
		v.VBROADCASTSS(v.argument(name), w[i])
	}
	sum, x := v.regs[0], v.regs[1]
	v.each([]string{"dst", "p00", "p01", "p10", "p11"}, func(at []Mem, m *mask) {
		v.load(at[1], m, x)
		v.VMULPS(x, w[0], sum)
		for i := 1; i < 4; i++ {
			v.load(at[1+i], m, x)
			v.VFMADD231PS(x, w[i], sum)
		}
		v.store(sum, m, at[0])
	})
}

func (v *isa) relu() {
	v.function("Relu", "func(x []float32)", "sets x[i] = 0 if x[i] < 0.")
	x, zero := v.regs[0], v.regs[1]
	v.zero(zero)
	v.each([]string{"x"}, func(at []Mem, m *mask) {
		v.load(at[0], m, x)
		v.VMAXPS(x, zero, x)
		v.store(x, m, at[0])
	})
}

// hard writes the piecewise linear activations. Minimum and maximum have x where a NaN passes.
func (v *isa) hard() {
	x, y := v.regs[0], v.regs[1]
	zero, three, six, factor := v.regs[2], v.regs[3], v.regs[4], v.regs[5]
	start := func(name, doc string, f float32) {
		v.function(name, "func(x []float32)", doc)
		v.zero(zero)
		v.constant(3, three)
		v.constant(6, six)
		v.constant(f, factor)
	}
	relu6 := func() { // y = relu6(x+3)
		v.VADDPS(three, x, y)
		v.VMAXPS(y, zero, y)
		v.VMINPS(y, six, y)
	}
	start("HardSwish", "sets x[i] = x[i] * relu6(x[i]+3) * (1/6).", 1./6)
	v.each([]string{"x"}, func(at []Mem, m *mask) {
		v.load(at[0], m, x)
		relu6()
		v.VMULPS(y, x, x)
		v.VMULPS(factor, x, x)
		v.store(x, m, at[0])
	})
	start("HardSigmoid", "sets x[i] = relu6(x[i]+3) * 0.16667.", 0.16667)
	v.each([]string{"x"}, func(at []Mem, m *mask) {
		v.load(at[0], m, x)
		relu6()
		v.VMULPS(factor, y, y)
		v.store(y, m, at[0])
	})
}

// expPolynomial are the coefficients of (exp(r) - 1 - r) / r², |r| ≤ ln 2 / 2, highest power first (Cephes, expf.c).
var expPolynomial = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// sigmoid writes 1 / (1 + exp(-x)), times x if swish. exp(t) is 2^n exp(r) with r = t - n ln 2, where ln 2 is the sum
// of two floats of which the first has zeros at its end, so that its product with n is exact (Cephes); 2^n is made of two factors,
// because n reaches 128 (infinity) and -150 (zero).
func (v *isa) sigmoid(name, doc string, swish bool) {
	v.function(name, "func(x []float32)", doc)
	x, t, n, r, p, y := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4], v.regs[5]
	high, low, log2e, ln2high, ln2low, one, bias := v.regs[6], v.regs[7], v.regs[8], v.regs[9], v.regs[10], v.regs[11], v.regs[12]
	c := v.regs[13]
	v.constant(89, high)
	v.constant(-104, low)
	v.constant(1.44269504088896341, log2e)
	v.constant(0.693359375, ln2high)
	v.constant(-2.12194440e-4, ln2low)
	v.constant(1, one)
	v.constantBits(127, bias)
	v.each([]string{"x"}, func(at []Mem, m *mask) {
		v.load(at[0], m, x)
		v.zero(t)
		v.VSUBPS(x, t, t)
		v.VMAXPS(t, low, t)
		v.VMINPS(t, high, t)
		v.VMULPS(log2e, t, r)
		v.VCVTPS2DQ(r, n) // to nearest even
		v.VCVTDQ2PS(n, r)
		v.VMOVAPS(r, p)
		v.VFNMADD213PS(t, ln2high, r) // r = t - r*ln2high
		v.VFNMADD231PS(p, ln2low, r)  // r -= p*ln2low
		v.constant(expPolynomial[0], p)
		for _, k := range expPolynomial[1:] {
			v.constant(k, c)
			v.VFMADD213PS(c, r, p) // p = p*r + c
		}
		v.VADDPS(one, r, y)
		v.VMULPS(r, r, r)
		v.VFMADD231PS(p, r, y) // y = 1 + r + r²p
		v.VPSRAD(Imm(1), n, p)
		v.VPSUBD(p, n, n)
		for _, half := range []VecPhysical{p, n} {
			v.VPADDD(bias, half, half)
			v.VPSLLD(Imm(23), half, half)
			v.VMULPS(half, y, y)
		}
		v.VADDPS(one, y, y)
		v.VDIVPS(y, one, y)
		if swish {
			v.VMULPS(x, y, y)
		}
		v.store(y, m, at[0])
	})
}

// peak writes the loop that does nothing but multiply and add, in as many independent chains as latency asks for.
func (v *isa) peak() {
	const chains = 12
	v.function("Peak", "func(n int)", "does n rounds of 24 multiply-adds of a vector.")
	n := v.Load(v.Param("n"), RAX)
	for _, r := range v.regs[:chains+2] {
		v.zero(r)
	}
	v.Label("round")
	for i := range 24 {
		v.VFMADD231PS(v.regs[chains], v.regs[chains+1], v.regs[i%chains])
	}
	v.DECQ(n)
	v.JNZ(LabelRef("round"))
	v.ret()
}
