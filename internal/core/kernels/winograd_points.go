package kernels

// Winograd's method computes m neighbouring outputs of a 3-tap filter with n = m+2 multiplications instead of 3m:
//
//	y = Aᵀ · ((G·w) ∘ (Bᵀ·x))        x: n inputs, w: 3 taps, y: m outputs
//
// It multiplies polynomials by their values at n points, of which one is infinity. Here the finite points come in
// pairs ±p, and 0 joins them if their number n-1 is odd, so that each transform splits into an even and an odd half.
// All points are eighths, which makes every constant of Aᵀ and Bᵀ exact in float32; G is applied in float64.
//
// Row t of Bᵀ are the coefficients of Π (x-s) over all finite points s but t, G[t] is (1, t, t²) / Π (t-s), column t
// of Aᵀ is (1, t, t², …); infinity's are Π (x-s) over all s, (0, 0, 1) and (0, …, 0, 1).
// The order of points is: 0 if it is one, +p and -p of every pair, infinity.

// winogradPairs are the points that give the least rounding error of all symmetric sets in eighths up to 5/2, by the
// size of a² = Σ Aᵀ[o,t]² |G[t]|² |Bᵀ[t]|² / 3m. The relative error of a layer of 256 channels is about 1.8e-7 · a(rows) · a(columns).
var winogradPairs = map[int][]float64{
	3: {3. / 8, 5. / 4},
	4: {5. / 8, 3. / 2},
	5: {1. / 4, 7. / 8, 7. / 4},
	7: {1. / 4, 5. / 8, 9. / 8, 9. / 4},
}

// transform holds the constants for m outputs.
type transform struct {
	m, n  int
	pairs []float64
	zero  bool // 0 is a point

	// Constants of Bᵀ and Aᵀ in the order in which they are used, each as often as an AVX2 vector has lanes.
	//
	// in: for every pair ±p the lower coefficients of Q(y) = Π (y-q²) over the other pairs, from the second highest
	// down (the highest is 1), and p; then those of Π (y-q²) over all pairs.
	// out: for every output but the first, for every pair, p to the power of the output.
	in, out []float32
	g       [][3]float64 // G
}

const replicas = 8

var transforms = func() map[int]*transform {
	all := map[int]*transform{}
	for m, pairs := range winogradPairs {
		all[m] = newTransform(m, pairs)
	}
	return all
}()

func newTransform(m int, pairs []float64) *transform {
	t := &transform{m: m, n: m + 2, pairs: pairs, zero: m%2 == 0}
	add := func(to *[]float32, v float64) {
		for range replicas {
			*to = append(*to, float32(v))
		}
	}
	lower := func(polynomial []float64) {
		for i := len(polynomial) - 2; i >= 0; i-- {
			add(&t.in, polynomial[i])
		}
	}
	for i, p := range pairs {
		lower(t.product(i))
		add(&t.in, p)
	}
	lower(t.product(-1))
	for power := 1; power < m; power++ {
		for _, p := range pairs {
			v := 1.
			for range power {
				v *= p
			}
			add(&t.out, v)
		}
	}
	t.g = t.filter()
	return t
}

// product returns the coefficients, lowest first, of Π (y - q²) over all pairs ±q but the one of index skip.
func (t *transform) product(skip int) []float64 {
	c := []float64{1}
	for i, q := range t.pairs {
		if i == skip {
			continue
		}
		c = append(c, 0)
		for j := len(c) - 1; j >= 0; j-- {
			c[j] = float64(c[j] * (-q * q))
			if j > 0 {
				c[j] += c[j-1]
			}
		}
	}
	return c
}

// points lists the finite points.
func (t *transform) points() []float64 {
	var s []float64
	if t.zero {
		s = append(s, 0)
	}
	for _, p := range t.pairs {
		s = append(s, p, -p)
	}
	return s
}

// filter is G: n rows of three.
func (t *transform) filter() [][3]float64 {
	var g [][3]float64
	points := t.points()
	for _, p := range points {
		d := 1.
		for _, s := range points {
			if s != p {
				d *= p - s
			}
		}
		g = append(g, [3]float64{1 / d, p / d, p * p / d})
	}
	return append(g, [3]float64{0, 0, 1})
}

// input is Bᵀ·x, as every set computes it: polynomials in x of even and of odd powers, sum and difference.
func (t *transform) input(x, y *[9]float32) {
	constants := t.in
	// sum is x[from + 2·terms-2] + Σ constants·x[from + 2j], highest j first.
	sum := func(from, terms int) float32 {
		acc := x[from+2*terms-2]
		for j := terms - 2; j >= 0; j-- {
			acc += float32(constants[0] * x[from+2*j])
			constants = constants[replicas:]
		}
		return acc
	}
	k, terms := 0, len(t.pairs)
	even, odd := 1, 0 // taps where x·Q and Q start
	if t.zero {
		even, odd, k = 2, 1, 1
	}
	for range t.pairs {
		again := constants
		e := sum(even, terms)
		constants = again
		o := sum(odd, terms)
		p := constants[0]
		constants = constants[replicas:]
		y[k] = e + float32(p*o)
		y[k+1] = e - float32(p*o)
		k += 2
	}
	if t.zero {
		again := constants
		y[0] = sum(0, terms+1)
		constants = again
		y[k] = sum(1, terms+1)
	} else {
		y[k] = sum(0, terms+1)
	}
}

// output is Aᵀ·x.
func (t *transform) output(x, y *[9]float32) {
	k := 0
	if t.zero {
		k = 1
	}
	var half [2][4]float32 // sums and differences of the pairs
	for i := range t.pairs {
		plus, minus := x[k+2*i], x[k+2*i+1]
		half[0][i], half[1][i] = plus+minus, plus-minus
	}
	y[0] = half[0][0]
	for i := 1; i < len(t.pairs); i++ {
		y[0] += half[0][i]
	}
	if t.zero {
		y[0] += x[0]
	}
	constants := t.out
	for o := 1; o < t.m; o++ {
		h := &half[o%2]
		acc := float32(0)
		if o == t.m-1 {
			acc = x[t.n-1]
		}
		for i := range t.pairs {
			acc += float32(constants[0] * h[i])
			constants = constants[replicas:]
		}
		y[o] = acc
	}
}

// gradient is A·x: of the gradients of m outputs.
func (t *transform) gradient(x, y *[9]float32) {
	k := 0
	if t.zero {
		y[0], k = x[0], 1
	}
	y[t.n-1] = x[t.m-1]
	for i := range t.pairs {
		var half [2]float32 // sums over even and odd powers
		half[0] = x[0]
		for power := 1; power < t.m; power++ {
			half[power%2] += float32(t.out[((power-1)*len(t.pairs)+i)*replicas] * x[power])
		}
		y[k+2*i], y[k+2*i+1] = half[0]+half[1], half[0]-half[1]
	}
}
