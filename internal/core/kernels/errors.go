package kernels

// What a kernel panics with when its caller is wrong.
const (
	badShape      = "kernels: shape with a side below one"
	badStride     = "kernels: negative distance or range"
	badPanels     = "kernels: panel range outside the packed weights"
	otherSet      = "kernels: weights packed by another set"
	shortWeights  = "kernels: short weights, scale or bias"
	shortIn       = "kernels: short input"
	shortGrad     = "kernels: short gradient"
	shortOut      = "kernels: short output"
	shortResidual = "kernels: short residual"
	shortScale    = "kernels: short scale or shift"
	badTile       = "kernels: no transform for a tile of this size"
	notMade       = "kernels: weights that are not transformed yet"
	badBlocks     = "kernels: block range outside the plan"
	otherPlan     = "kernels: convolution of another size than the plan's"
	shortScratch  = "kernels: short scratch"
	noSplit       = "kernels: a set without split numbers"
	lengths       = "kernels: slices of different length"
)
