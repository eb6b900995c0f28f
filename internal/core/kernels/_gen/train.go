package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// train writes the element-wise functions of training.
func (v *isa) train() {
	for _, add := range []bool{false, true} {
		v.slopeRelu(add)
		v.slopeSwish(add)
	}
	v.sumSquares()
	for _, relu := range []bool{false, true} {
		for _, past := range []bool{false, true} {
			if past && v.neon {
				continue // it has no such store of one vector
			}
			v.affine(relu, past)
			v.affineAdd(relu, past)
			v.normGrad(relu, false, past)
		}
		v.normSums(relu)
		v.normGrad(relu, true, false)
	}
	v.poolGrad()
}

// addName is the ending of the functions that add to what is there.
func addName(add bool) (name, op string) {
	if add {
		return "Add", "+="
	}
	return "", "="
}

func (v *isa) slopeRelu(add bool) {
	name, op := addName(add)
	v.function("SlopeRelu"+name, "func(dx, dy, x []float32)", "sets dx[i] "+op+" x[i] > 0 ? dy[i] : 0.")
	x, dy, zero, d := v.regs[0], v.regs[1], v.regs[2], v.regs[3]
	v.zero(zero)
	v.each([]string{"dx", "dy", "x"}, func(at []Mem, m *mask) {
		v.load(at[2], m, x)
		v.load(at[1], m, dy)
		const greater = 30 // ordered, quiet
		if v.wide {
			v.VCMPPS(Imm(greater), zero, x, K2)
			v.VMOVAPS_Z(dy, K2, dy)
		} else {
			v.VCMPPS(Imm(greater), zero, x, x)
			v.VANDPS(x, dy, dy)
		}
		if add {
			v.load(at[0], m, d)
			v.VADDPS(d, dy, dy)
		}
		v.store(dy, m, at[0])
	})
}

// slopeSwish: the derivative of x·g, g = sigmoid(x), is g·(1 + x·(1 − g)).
func (v *isa) slopeSwish(add bool) {
	name, op := addName(add)
	v.function("SlopeSwish"+name, "func(dx, dy, x []float32)", "sets dx[i] "+op+" dy[i] * g * (1 + x[i]*(1-g)), g = sigmoid(x[i]).")
	g := v.newGate()
	v.each([]string{"dx", "dy", "x"}, func(at []Mem, m *mask) {
		v.load(at[2], m, g.x)
		v.open(g)
		v.VSUBPS(g.y, g.one, g.t)      // 1 − g
		v.VFMADD213PS(g.one, g.x, g.t) // t = t·x + 1
		v.VMULPS(g.y, g.t, g.t)
		v.load(at[1], m, g.r)
		v.VMULPS(g.r, g.t, g.t)
		if add {
			v.load(at[0], m, g.r)
			v.VADDPS(g.r, g.t, g.t)
		}
		v.store(g.t, m, at[0])
	})
}

// channels writes the loop over pixels, one after the other, and the vectors of
// channels of each. Slices are values of pixels, constants those of channels. past says that body stores past the cache.
func (v *isa) channels(slices, constants []string, past bool, body func(slices, constants []Mem, m *mask)) {
	registers := []GPPhysical{RDI, RSI, RDX, RBX, R8, R9, R10, R11}
	at := func(names []string) (mems []Mem) {
		for _, name := range names {
			p := v.Load(v.Param(name), registers[0])
			mems, registers = append(mems, Mem{Base: p, Index: RAX, Scale: 1}), registers[1:]
		}
		return mems
	}
	moving, fixed := at(slices), at(constants)
	offset, left, pixels, full, step := RAX, RCX, R12, R13, R15
	v.Load(v.Param("channels"), step)
	v.MOVQ(step, RCX)
	v.ANDQ(imm(v.lanes-1), RCX)
	m := v.tailMask(RCX, v.maskReg())
	v.MOVQ(step, full)
	v.SHLQ(Imm(2), step)
	v.SUBQ(imm(v.lanes), full)
	v.Load(v.Param("pixels"), pixels)
	v.Label("pixel")
	v.XORQ(offset, offset)
	v.MOVQ(full, left)
	v.TESTQ(left, left)
	v.JL(LabelRef("tail"))
	v.Label("vector")
	body(moving, fixed, nil)
	v.ADDQ(imm(v.bytes()), offset)
	v.SUBQ(imm(v.lanes), left)
	v.JGE(LabelRef("vector"))
	v.Label("tail")
	v.ADDQ(imm(v.lanes), left)
	v.JZ(LabelRef("next"))
	body(moving, fixed, &m)
	v.Label("next")
	for _, s := range moving {
		v.ADDQ(step, s.Base)
	}
	v.DECQ(pixels)
	v.JNZ(LabelRef("pixel"))
	if past {
		v.SFENCE() // others may read it now
	}
	v.ret()
}

// pastName is the ending of the functions that store past the cache.
func pastName(past bool) string {
	if past {
		return "Past"
	}
	return ""
}

// storePast stores past the cache, if it is told to, whole vectors at multiples of their size.
func (v *isa) storePast(from VecPhysical, m *mask, to Mem, past bool) {
	if past && m == nil {
		v.VMOVNTPS(from, to)
		return
	}
	v.store(from, m, to)
}

// reluName is the ending of the functions behind which a relu stands.
func reluName(relu bool) string {
	if relu {
		return "Relu"
	}
	return ""
}

func (v *isa) affine(relu, past bool) {
	doc := "sets y[p*channels+c] = x[p*channels+c]*scale[c] + shift[c] for pixels > 0."
	if relu {
		doc = "sets y[p*channels+c] = relu(x[p*channels+c]*scale[c] + shift[c]) for pixels > 0."
	}
	v.function("Affine"+reluName(relu)+pastName(past), "func(y, x, scale, shift *float32, pixels, channels int)", doc)
	x, scale, shift, zero := v.regs[0], v.regs[1], v.regs[2], v.regs[3]
	v.zero(zero)
	v.channels([]string{"y", "x"}, []string{"scale", "shift"}, past, func(s, c []Mem, m *mask) {
		v.load(s[1], m, x)
		v.load(c[0], m, scale)
		v.load(c[1], m, shift)
		v.VFMADD213PS(shift, scale, x)
		if relu {
			v.VMAXPS(x, zero, x) // 0 > x ? 0 : x, also for NaN
		}
		v.storePast(x, m, s[0], past)
	})
}

func (v *isa) affineAdd(relu, past bool) {
	doc := "sets y[i] = r[i] + (x[i]*scale[c] + shift[c]), i = p*channels+c, for pixels > 0."
	if relu {
		doc = "sets y[i] = relu(r[i] + (x[i]*scale[c] + shift[c])), i = p*channels+c, for pixels > 0."
	}
	v.function("AffineAdd"+reluName(relu)+pastName(past), "func(y, r, x, scale, shift *float32, pixels, channels int)", doc)
	x, scale, shift, zero, r := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4]
	v.zero(zero)
	v.channels([]string{"y", "r", "x"}, []string{"scale", "shift"}, past, func(s, c []Mem, m *mask) {
		v.load(s[2], m, x)
		v.load(c[0], m, scale)
		v.load(c[1], m, shift)
		v.VFMADD213PS(shift, scale, x)
		v.load(s[1], m, r)
		v.VADDPS(r, x, x)
		if relu {
			v.VMAXPS(x, zero, x) // 0 > x ? 0 : x, also for NaN
		}
		v.storePast(x, m, s[0], past)
	})
}

func (v *isa) sumSquares() {
	v.function("SumSquares", "func(sum, square, x *float32, pixels, channels int)",
		"adds x[p*channels+c] to sum[c] and its square to square[c], pixel by pixel, for pixels > 0.")
	x, sum, square := v.regs[0], v.regs[1], v.regs[2]
	v.channels([]string{"x"}, []string{"sum", "square"}, false, func(s, c []Mem, m *mask) {
		v.load(s[0], m, x)
		v.load(c[0], m, sum)
		v.load(c[1], m, square)
		v.VADDPS(x, sum, sum)
		v.VFMADD231PS(x, x, square)
		v.store(sum, m, c[0])
		v.store(square, m, c[1])
	})
}

// behindRelu sets g to 0 where x*scale + shift is not above 0. It destroys t and u.
func (v *isa) behindRelu(x, g, zero, t, u VecPhysical, scale, shift Mem, m *mask) {
	v.load(scale, m, t)
	v.load(shift, m, u)
	v.VFMADD213PS(u, x, t)
	const greater = 30 // ordered, quiet
	if v.wide {
		v.VCMPPS(Imm(greater), zero, t, K2)
		v.VMOVAPS_Z(g, K2, g)
	} else {
		v.VCMPPS(Imm(greater), zero, t, t)
		v.VANDPS(t, g, g)
	}
}

func (v *isa) normSums(relu bool) {
	params, constants, doc := "sum, product, grad, x, unit, center", []string{"sum", "product", "unit", "center"}, "g = grad[p*channels+c]"
	if relu {
		params, constants, doc = params+", scale, shift", append(constants, "scale", "shift"), doc+" where x*scale[c] + shift[c] > 0, else 0"
	}
	v.function("NormSums"+reluName(relu), "func("+params+" *float32, pixels, channels int)",
		"adds g to sum[c] and g*(x*unit[c] + center[c]) to product[c], pixel by pixel,", "for pixels > 0: "+doc+".")
	x, g, sum, product, unit, center, zero, t, u := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4], v.regs[5], v.regs[6], v.regs[7], v.regs[8]
	v.zero(zero)
	v.channels([]string{"grad", "x"}, constants, false, func(s, c []Mem, m *mask) {
		v.load(s[1], m, x)
		v.load(s[0], m, g)
		if relu {
			v.behindRelu(x, g, zero, t, u, c[4], c[5], m)
		}
		v.load(c[2], m, unit)
		v.load(c[3], m, center)
		v.VFMADD213PS(center, unit, x)
		v.load(c[0], m, sum)
		v.load(c[1], m, product)
		v.VADDPS(g, sum, sum)
		v.VFMADD231PS(x, g, product)
		v.store(sum, m, c[0])
		v.store(product, m, c[1])
	})
}

func (v *isa) normGrad(relu, add, past bool) {
	name, op := addName(add)
	params, constants, doc := "dx, grad, x, a, b, d", []string{"a", "b", "d"}, "g = grad[p*channels+c]"
	if relu {
		params, constants, doc = params+", scale, shift", append(constants, "scale", "shift"), doc+" where x*scale[c] + shift[c] > 0, else 0"
	}
	v.function("NormGrad"+reluName(relu)+name+pastName(past), "func("+params+" *float32, pixels, channels int)",
		"sets dx[p*channels+c] "+op+" g*a[c] + (x*b[c] + d[c]) for pixels > 0:", doc+".")
	x, g, a, b, d, zero, t, u := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4], v.regs[5], v.regs[6], v.regs[7]
	v.zero(zero)
	v.channels([]string{"dx", "grad", "x"}, constants, past, func(s, c []Mem, m *mask) {
		v.load(s[2], m, x)
		v.load(s[1], m, g)
		if relu {
			v.behindRelu(x, g, zero, t, u, c[3], c[4], m)
		}
		v.load(c[0], m, a)
		v.load(c[1], m, b)
		v.load(c[2], m, d)
		v.VFMADD213PS(d, b, x)
		v.VFMADD231PS(a, g, x)
		if add {
			v.load(s[0], m, t)
			v.VADDPS(t, x, x)
		}
		v.storePast(x, m, s[0], past)
	})
}

// poolGrad: of the lanes that have not found their largest value, those that equal
// it take the gradient.
func (v *isa) poolGrad() {
	v.function("PoolGrad", "func(dx, x *float32, dxRow, xRow, pixel, rows, columns int, y, dy *float32, lanes int)",
		"adds dy[c] to dx at the first pixel of a window, row by row, where x[c] = y[c].", "dxRow, xRow and pixel are distances in bytes.")
	const equal = 0
	v.Load(v.Param("lanes"), RAX)
	m := v.tailMask(RAX, v.maskReg())
	x, y, dy, d, t, wanted := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4], v.regs[5]
	switch {
	case v.neon: // lanes beyond the mask are never stored
		v.zero(x)
		v.VCMPPS(Imm(equal), x, x, wanted)
	case !v.wide:
		v.VMOVAPS(v.maskReg(), wanted)
	}
	p := v.Load(v.Param("y"), RSI)
	v.load(Mem{Base: p}, &m, y)
	p = v.Load(v.Param("dy"), RSI)
	v.load(Mem{Base: p}, &m, dy)
	dxRow, xRow := v.Load(v.Param("dx"), RDI), v.Load(v.Param("x"), RSI)
	dxStep, xStep, pixel := v.Load(v.Param("dxRow"), R8), v.Load(v.Param("xRow"), R9), v.Load(v.Param("pixel"), R10)
	rows, columns := v.Load(v.Param("rows"), R11), v.Load(v.Param("columns"), R12)
	v.Label("row")
	v.MOVQ(dxRow, RAX)
	v.MOVQ(xRow, RDX)
	v.MOVQ(columns, R13)
	v.Label("column")
	v.load(Mem{Base: RDX}, &m, x)
	v.load(Mem{Base: RAX}, &m, d)
	if v.wide { // K1: still to be found, K2: found here
		v.VCMPPS(Imm(equal), y, x, K1, K2)
		v.KANDNW(K1, K2, K1)
		v.VADDPS(dy, d, d)
		v.store(d, &mask{K2}, Mem{Base: RAX})
	} else {
		v.VCMPPS(Imm(equal), y, x, x)
		v.VANDPS(wanted, x, x)
		v.VANDNPS(wanted, x, wanted)
		v.VADDPS(dy, d, t)
		v.VBLENDVPS(x, t, d, d)
		v.store(d, &m, Mem{Base: RAX})
	}
	v.ADDQ(pixel, RAX)
	v.ADDQ(pixel, RDX)
	v.DECQ(R13)
	v.JNZ(LabelRef("column"))
	v.ADDQ(dxStep, dxRow)
	v.ADDQ(xStep, xRow)
	v.DECQ(rows)
	v.JNZ(LabelRef("row"))
	v.ret()
}
