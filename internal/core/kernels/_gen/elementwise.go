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

// gate makes sigmoid(x) = 1 / (1 + exp(-x)) in registers. exp(t) is 2^n exp(r) with r = t - n ln 2, where ln 2 is the
// sum of two floats of which the first has zeros at its end, so that its product with n is exact (Cephes); 2^n is made of two
// factors, because n reaches 128 (infinity) and -150 (zero).
type gate struct {
	x, t, n, r, p, y                                    VecPhysical // y is the result; x stays
	high, low, log2e, ln2high, ln2low, one, bias, spare VecPhysical
}

func (v *isa) newGate() gate {
	r := v.regs
	g := gate{r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13]}
	v.constant(89, g.high)
	v.constant(-104, g.low)
	v.constant(1.44269504088896341, g.log2e)
	v.constant(0.693359375, g.ln2high)
	v.constant(-2.12194440e-4, g.ln2low)
	v.constant(1, g.one)
	v.constantBits(127, g.bias)
	return g
}

func (v *isa) open(g gate) {
	v.zero(g.t)
	v.VSUBPS(g.x, g.t, g.t)
	v.VMAXPS(g.t, g.low, g.t)
	v.VMINPS(g.t, g.high, g.t)
	v.VMULPS(g.log2e, g.t, g.r)
	v.VCVTPS2DQ(g.r, g.n) // to nearest even
	v.VCVTDQ2PS(g.n, g.r)
	v.VMOVAPS(g.r, g.p)
	v.VFNMADD213PS(g.t, g.ln2high, g.r) // r = t - r*ln2high
	v.VFNMADD231PS(g.p, g.ln2low, g.r)  // r -= p*ln2low
	v.constant(expPolynomial[0], g.p)
	for _, k := range expPolynomial[1:] {
		v.constant(k, g.spare)
		v.VFMADD213PS(g.spare, g.r, g.p) // p = p*r + spare
	}
	v.VADDPS(g.one, g.r, g.y)
	v.VMULPS(g.r, g.r, g.r)
	v.VFMADD231PS(g.p, g.r, g.y) // y = 1 + r + r²p
	v.VPSRAD(Imm(1), g.n, g.p)
	v.VPSUBD(g.p, g.n, g.n)
	for _, half := range []VecPhysical{g.p, g.n} {
		v.VPADDD(g.bias, half, half)
		v.VPSLLD(Imm(23), half, half)
		v.VMULPS(half, g.y, g.y)
	}
	v.VADDPS(g.one, g.y, g.y)
	v.VDIVPS(g.y, g.one, g.y)
}

// sigmoid writes 1 / (1 + exp(-x)), times x if swish.
func (v *isa) sigmoid(name, doc string, swish bool) {
	v.function(name, "func(x []float32)", doc)
	g := v.newGate()
	v.each([]string{"x"}, func(at []Mem, m *mask) {
		v.load(at[0], m, g.x)
		v.open(g)
		if swish {
			v.VMULPS(g.x, g.y, g.y)
		}
		v.store(g.y, m, at[0])
	})
}

// peak writes the loop that does nothing but multiply and add, in as many independent chains as latency asks for.
func (v *isa) peak() {
	chains := 12
	if v.neon { // up to four units, which take four cycles each
		chains = 24
	}
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
