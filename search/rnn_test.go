package search

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is an RNN of few units over the paper's space, whose weights are larger than
// those at the begin, with a batch in it.
func small(seed uint64) *RNN {
	r := rand.New(rand.NewPCG(seed, 0))
	c := NewRNN(SpineNet49(), seed)
	c.lstm.units, c.lstm.init = 3, 1
	c.Entropy = 0.1
	for range 3 {
		c.Learn(c.Propose(r), r.Float64())
	}
	c.baseline = 0.4
	return c
}

// loss is that of the batch by its formula, in plain terms.
func loss(c *RNN) (sum float64) {
	for i := range c.batch {
		e := &c.batch[i]
		for t, m := range c.lstm.run(e.steps) {
			p := m.probability
			ratio := math.Exp(math.Log(p[e.steps[t].choice]) - e.old[t])
			surrogate := ratio * (e.score - c.baseline)
			if c.Clip > 0 {
				surrogate = min(surrogate, max(1-c.Clip, min(ratio, 1+c.Clip))*(e.score-c.baseline))
			}
			sum -= surrogate / float64(len(c.batch))
			for _, q := range p {
				sum += c.Entropy * q * math.Log(q) / float64(len(c.batch))
			}
		}
	}
	return sum
}

// Every weight's gradient is that of central differences of the loss, where the
// policy is the one before the update and where it has moved.
func TestPolicyGradientAgainstDifferences(t *testing.T) {
	for _, moved := range []bool{false, true} {
		c := small(1)
		r := rand.New(rand.NewPCG(2, 0))
		for i := range c.batch {
			e := &c.batch[i]
			e.old = logProbabilities(e.steps, c.lstm.run(e.steps))
			for j := range e.old {
				if moved {
					e.old[j] += 0.4 * (r.Float64() - 0.5) // ratios within and beyond the limits of 0.8 and 1.2
				}
			}
		}
		clipped := 0
		for i := range c.batch {
			e := &c.batch[i]
			ms := c.lstm.run(e.steps)
			for s, p := range logProbabilities(e.steps, ms) {
				if a, ratio := e.score-c.baseline, math.Exp(p-e.old[s]); a > 0 && ratio > 1.2 || a < 0 && ratio < 0.8 {
					clipped++
				}
			}
			c.lstm.back(e.steps, ms, c.gradients(e, ms))
		}
		require.Equal(t, moved, clipped > 0)
		const h = 1e-5
		largest := 0.0
		for _, v := range c.lstm.weights {
			for i, w := range v.w {
				v.w[i] = w + h
				up := loss(c)
				v.w[i] = w - h
				down := loss(c)
				v.w[i] = w
				require.InDelta(t, (up-down)/(2*h), v.gradient[i], 1e-7)
				largest = max(largest, math.Abs(v.gradient[i]))
			}
		}
		require.Greater(t, largest, 0.1)
	}
}

// The gradient at the policy that made the choices is that of REINFORCE: the
// advantage times the gradient of the logarithm of the probability.
func TestClippingChangesNothingAtTheOldPolicy(t *testing.T) {
	a, b := small(1), small(1)
	b.Clip = 0
	a.Passes, b.Passes = 1, 1
	a.update()
	b.update()
	for i := range a.lstm.weights {
		require.Equal(t, a.lstm.weights[i].w, b.lstm.weights[i].w)
	}
}

// One step of Adam from rest moves every weight by the learning rate, against the sign of its gradient.
func TestFirstStepOfAdam(t *testing.T) {
	c := small(1)
	v := c.lstm.weights[0]
	before := append([]float64(nil), v.w...)
	for i := range v.gradient {
		v.gradient[i] = float64(i%3 - 1)
	}
	c.adam()
	for i := range v.w {
		require.InDelta(t, before[i]-c.LearningRate*float64(i%3-1), v.w[i], 1e-9)
	}
}

// The baseline begins at the mean of the first batch and then follows the scores.
func TestBaseline(t *testing.T) {
	c := NewRNN(permutation{0, 1}, 1)
	c.Batch, c.lstm.units = 2, 2
	c.Learn([]int{0, 0}, 1)
	c.Learn([]int{1, 0}, 2)
	require.InDelta(t, 0.95*(0.95*1.5+0.05*1)+0.05*2, c.baseline, 1e-12)
}

func TestDrawsFollowThePolicy(t *testing.T) {
	c := NewRNN(bandit(4), 1)
	c.lstm.units, c.lstm.init = 4, 1
	want := c.lstm.run([]step{{0, []int{0, 1, 2, 3}, 0}})[0].probability
	r := rand.New(rand.NewPCG(1, 2))
	const n = 20_000
	var seen [4]float64
	for range n {
		seen[c.Propose(r)[0]] += 1.0 / n
	}
	for i := range want {
		require.InDelta(t, want[i], seen[i], 4*math.Sqrt(want[i]/n))
	}
}
