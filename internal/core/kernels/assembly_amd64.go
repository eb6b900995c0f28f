//go:build amd64 && !purego

package kernels

import "golang.org/x/sys/cpu"

// assembly lists the sets of this machine that are not plain Go, slowest first.
func assembly() []*Set {
	var sets []*Set
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		sets = append(sets, &avx2)
		if cpu.X86.HasAVX512F {
			sets = append(sets, &avx512)
		}
	}
	return sets
}

var avx2 = Set{
	Name:   "avx2",
	lanes:  8,
	panel:  3,
	blockK: 1024,
	tiles:  avx2Tiles,
	activate: [activations]func([]float32){
		Relu: avx2Relu, Swish: avx2Swish, HardSwish: avx2HardSwish, Sigmoid: avx2Sigmoid, HardSigmoid: avx2HardSigmoid,
	},
	add:      avx2Add,
	max:      avx2Max,
	blend4:   avx2Blend4,
	winograd: avx2Winograd,
	depthwise: depthwiseSet{
		conv:  []depthwisePixels{{1, avx2DepthwiseOne}, {4, avx2DepthwiseFew}, {8, avx2DepthwiseMany}},
		pairs: [2][]pairPixels{{{2, avx2PairFew1}, {4, avx2PairMany1}}, {{2, avx2PairMany2}}},
		sum:   avx2Sum,
	},
	outers: avx2Outers,
	train: trainSet{
		slope:     [activations][2]func(dx, dy, x []float32){Relu: {avx2SlopeRelu, avx2SlopeReluAdd}, Swish: {avx2SlopeSwish, avx2SlopeSwishAdd}},
		affine:    [2][2]func(y, x, scale, shift *float32, pixels, channels int){{avx2Affine, avx2AffinePast}, {avx2AffineRelu, avx2AffineReluPast}},
		affineAdd: [2][2]func(y, r, x, scale, shift *float32, pixels, channels int){{avx2AffineAdd, avx2AffineAddPast}, {avx2AffineAddRelu, avx2AffineAddReluPast}},
		squares:   avx2SumSquares,
		sums:      avx2NormSums,
		sumsRelu:  avx2NormSumsRelu,
		normGrad:  [3]func(dx, g, x, a, b, d *float32, pixels, channels int){avx2NormGrad, avx2NormGradAdd, avx2NormGradPast},
		gradRelu:  [3]func(dx, g, x, a, b, d, scale, shift *float32, pixels, channels int){avx2NormGradRelu, avx2NormGradReluAdd, avx2NormGradReluPast},
		poolGrad:  avx2PoolGrad,
	},
	peak: func(n int) int { avx2Peak(n); return n * 24 * 8 * 2 },
}

var avx512 = Set{
	Name:   "avx512",
	lanes:  16,
	panel:  2,
	blockK: 1024,
	tiles:  avx512Tiles,
	activate: [activations]func([]float32){
		Relu: avx512Relu, Swish: avx512Swish, HardSwish: avx512HardSwish, Sigmoid: avx512Sigmoid, HardSigmoid: avx512HardSigmoid,
	},
	add:      avx512Add,
	max:      avx512Max,
	blend4:   avx512Blend4,
	winograd: avx512Winograd,
	depthwise: depthwiseSet{
		conv:  []depthwisePixels{{1, avx512DepthwiseOne}, {4, avx512DepthwiseFew}, {12, avx512DepthwiseMany}},
		pairs: [2][]pairPixels{{{4, avx512PairFew1}, {12, avx512PairMany1}}, {{4, avx512PairFew2}, {8, avx512PairMany2}}},
		sum:   avx512Sum,
	},
	outers: avx512Outers,
	train: trainSet{
		slope:     [activations][2]func(dx, dy, x []float32){Relu: {avx512SlopeRelu, avx512SlopeReluAdd}, Swish: {avx512SlopeSwish, avx512SlopeSwishAdd}},
		affine:    [2][2]func(y, x, scale, shift *float32, pixels, channels int){{avx512Affine, avx512AffinePast}, {avx512AffineRelu, avx512AffineReluPast}},
		affineAdd: [2][2]func(y, r, x, scale, shift *float32, pixels, channels int){{avx512AffineAdd, avx512AffineAddPast}, {avx512AffineAddRelu, avx512AffineAddReluPast}},
		squares:   avx512SumSquares,
		sums:      avx512NormSums,
		sumsRelu:  avx512NormSumsRelu,
		normGrad:  [3]func(dx, g, x, a, b, d *float32, pixels, channels int){avx512NormGrad, avx512NormGradAdd, avx512NormGradPast},
		gradRelu:  [3]func(dx, g, x, a, b, d, scale, shift *float32, pixels, channels int){avx512NormGradRelu, avx512NormGradReluAdd, avx512NormGradReluPast},
		poolGrad:  avx512PoolGrad,
	},
	split: hasAMX,
	peak:  func(n int) int { avx512Peak(n); return n * 24 * 16 * 2 },
}
