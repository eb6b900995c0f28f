//go:build arm64 && !purego

package kernels

// assembly lists the sets of this machine that are not plain Go: every arm64 processor has NEON.
func assembly() []*Set { return []*Set{&neon} }

var neon = Set{
	Name:   "neon",
	lanes:  4,
	panel:  2,
	blockK: 1024,
	tiles:  neonTiles,
	activate: [activations]func([]float32){
		Relu: neonRelu, Swish: neonSwish, HardSwish: neonHardSwish, Sigmoid: neonSigmoid, HardSigmoid: neonHardSigmoid,
	},
	add:      neonAdd,
	max:      neonMax,
	blend4:   neonBlend4,
	winograd: neonWinograd,
	depthwise: depthwiseSet{
		conv:  []depthwisePixels{{1, neonDepthwiseOne}, {4, neonDepthwiseFew}, {12, neonDepthwiseMany}},
		pairs: [2][]pairPixels{{{4, neonPairFew1}, {8, neonPairMany1}}, {{4, neonPairFew2}, {8, neonPairMany2}}},
		sum:   neonSum,
	},
	outers: neonOuters,
	train: trainSet{
		slope: [activations][2]func(dx, dy, x []float32){Relu: {neonSlopeRelu, neonSlopeReluAdd}, Swish: {neonSlopeSwish, neonSlopeSwishAdd}},
		// There is no store past the cache of one vector.
		affine:    [2][2]func(y, x, scale, shift *float32, pixels, channels int){{neonAffine, neonAffine}, {neonAffineRelu, neonAffineRelu}},
		affineAdd: [2][2]func(y, r, x, scale, shift *float32, pixels, channels int){{neonAffineAdd, neonAffineAdd}, {neonAffineAddRelu, neonAffineAddRelu}},
		squares:   neonSumSquares,
		sums:      neonNormSums,
		sumsRelu:  neonNormSumsRelu,
		normGrad:  [3]func(dx, g, x, a, b, d *float32, pixels, channels int){neonNormGrad, neonNormGradAdd, neonNormGrad},
		gradRelu:  [3]func(dx, g, x, a, b, d, scale, shift *float32, pixels, channels int){neonNormGradRelu, neonNormGradReluAdd, neonNormGradRelu},
		poolGrad:  neonPoolGrad,
	},
	peak: func(n int) int { neonPeak(n); return n * 24 * 4 * 2 },
}
