package search

import (
	"math/rand/v2"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// lstm is the policy of the RNN controller: one layer of LSTM (Hochreiter and
// Schmidhuber, 1997, with forget gates) that reads the choice before and says the
// probabilities of the next, in float64.
//
// At step t, with the kind k and the token v of the choice before:
//
//	a = in[k, v] + place[t] + Σ_j h[j]·recur[j]   4·units: input, forget and output gate, candidate
//	i, f, o, g = σ(a), σ(a), σ(a), tanh(a)        units each
//	c ← f·c + i·g;  h ← o·tanh(c)
//	logit of token v' of kind k' = out[k', v', :units]·h + out[k', v', units]
//
// Options that share a token share its logit. The first step has no in. The vectors
// are made when they are first met, each from the seed and its name, so their order
// does not matter.
type lstm struct {
	units   int
	init    float64 // first weights are uniform in ±init
	seed    uint64
	weights []*weights
	index   map[name]*weights
}

// name is that of a vector: its table, and the place or the kind and the token.
type name struct{ table, a, b int }

const (
	tableRecur = iota
	tablePlace
	tableIn
	tableOut
)

// weights are a vector with what Adam keeps of it.
type weights struct{ w, gradient, mean, square []float64 }

func (l *lstm) get(table, a, b int) []float64 { return l.vector(name{table, a, b}).w }

func (l *lstm) vector(n name) *weights {
	v := l.index[n]
	if v == nil {
		size := 4 * l.units
		switch n.table {
		case tableRecur:
			size *= l.units
		case tableOut:
			size = l.units + 1
		}
		v = &weights{make([]float64, size), make([]float64, size), make([]float64, size), make([]float64, size)}
		r := rand.New(rand.NewPCG(l.seed, uint64(n.table)<<60|uint64(n.a)<<30|uint64(n.b)))
		for i := range v.w {
			u := float64(r.Float64())
			v.w[i] = l.init * (u + u - 1)
		}
		l.index[n], l.weights = v, append(l.weights, v)
	}
	return v
}

// step is a decision as the policy sees it.
type step struct {
	kind   int
	tokens []int
	choice int // index of tokens
}

// activations is what one step of the network leaves for the way back.
type activations struct {
	gates       []float64 // i, f, o, g after their functions
	cell, tanh  []float64 // c and tanh(c)
	hidden      []float64
	probability []float64 // of each option
}

// next is the step t after the activations m and the step s before, both nil at t = 0.
func (l *lstm) next(t int, m *activations, s *step, kind int, tokens []int) *activations {
	n := l.units
	a := make([]float64, 4*n)
	copy(a, l.get(tablePlace, t, 0))
	if m != nil {
		add(a, 1, l.get(tableIn, s.kind, s.tokens[s.choice]))
		recur := l.get(tableRecur, 0, 0)
		for j, h := range m.hidden {
			add(a, h, recur[4*n*j:])
		}
	}
	for i := range 3 * n {
		a[i] = 1 / (1 + portable.Exp(-a[i]))
	}
	for i := 3 * n; i < 4*n; i++ {
		a[i] = tanh(a[i])
	}
	out := &activations{gates: a, cell: make([]float64, n), tanh: make([]float64, n), hidden: make([]float64, n)}
	for i := range n {
		out.cell[i] = a[i] * a[3*n+i]
		if m != nil {
			out.cell[i] += float64(a[n+i] * m.cell[i])
		}
		out.tanh[i] = tanh(out.cell[i])
		out.hidden[i] = a[2*n+i] * out.tanh[i]
	}
	out.probability = make([]float64, len(tokens))
	for k, token := range tokens {
		w := l.get(tableOut, kind, token)
		out.probability[k] = dot(w[:n], out.hidden) + w[n]
	}
	softmax(out.probability)
	return out
}

// back adds the gradients of a sequence to those of the weights. ms are its activations;
// logits are the gradients of its steps' logits, one for each option.
func (l *lstm) back(steps []step, ms []*activations, logits [][]float64) {
	n := l.units
	hidden, cell := make([]float64, n), make([]float64, n)
	a := make([]float64, 4*n)
	for t := len(steps) - 1; t >= 0; t-- {
		m := ms[t]
		for k, token := range steps[t].tokens {
			v := l.vector(name{tableOut, steps[t].kind, token})
			d := logits[t][k]
			add(v.gradient[:n], d, m.hidden)
			v.gradient[n] += d
			add(hidden, d, v.w[:n])
		}
		for i := range n {
			in, forget, out, g := m.gates[i], m.gates[n+i], m.gates[2*n+i], m.gates[3*n+i]
			d := float64(hidden[i]*out*(1-float64(m.tanh[i]*m.tanh[i]))) + cell[i]
			a[i] = d * g * in * (1 - in)
			a[n+i] = 0
			if t > 0 {
				a[n+i] = d * ms[t-1].cell[i] * forget * (1 - forget)
			}
			a[2*n+i] = hidden[i] * m.tanh[i] * out * (1 - out)
			a[3*n+i] = d * in * (1 - float64(g*g))
			cell[i] = d * forget
		}
		add(l.vector(name{tablePlace, t, 0}).gradient, 1, a)
		if t == 0 {
			return
		}
		before := steps[t-1]
		add(l.vector(name{tableIn, before.kind, before.tokens[before.choice]}).gradient, 1, a)
		recur := l.vector(name{tableRecur, 0, 0})
		for j, h := range ms[t-1].hidden {
			row := 4 * n * j
			add(recur.gradient[row:row+4*n], h, a)
			hidden[j] = dot(recur.w[row:row+4*n], a)
		}
	}
}

// run is the network over a whole sequence.
func (l *lstm) run(steps []step) []*activations {
	ms := make([]*activations, len(steps))
	for t, s := range steps {
		if t == 0 {
			ms[t] = l.next(t, nil, nil, s.kind, s.tokens)
		} else {
			ms[t] = l.next(t, ms[t-1], &steps[t-1], s.kind, s.tokens)
		}
	}
	return ms
}

// add is y ← y + a·x.
func add(y []float64, a float64, x []float64) {
	x = x[:len(y)]
	for i := range y {
		y[i] += float64(a * x[i])
	}
}

// dot sums in four parts: one sum would wait for each addition.
func dot(x, y []float64) float64 {
	var s [4]float64
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s[0] += float64(x[i] * y[i])
		s[1] += float64(x[i+1] * y[i+1])
		s[2] += float64(x[i+2] * y[i+2])
		s[3] += float64(x[i+3] * y[i+3])
	}
	for ; i < len(x); i++ {
		s[0] += float64(x[i] * y[i])
	}
	return s[0] + s[1] + (s[2] + s[3])
}

func tanh(x float64) float64 { return 1 - 2/(portable.Exp(2*x)+1) }

// softmax makes probabilities of logits.
func softmax(x []float64) {
	most := x[0]
	for _, v := range x[1:] {
		most = max(most, v)
	}
	var sum float64
	for i, v := range x {
		x[i] = portable.Exp(v - most)
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}
