package search

import (
	"math"
	"math/rand/v2"

	"github.com/spinemask/spinemask/internal/core/portable"
)

// RNN is the paper's controller: an LSTM that makes one choice after the other,
// trained with policy gradients. The paper takes that of Zoph and Le (arXiv
// 1611.01578) and states none of its numbers. Here it is in its later form, that of
// NASNet (arXiv 1707.07012): of its appendix A.3 are the 100 units, the first weights
// within ±0.1, Batch, Decay and Entropy. Its learning rate of 3.5e-4 is made for
// 20,000 candidates and moves next to nothing in some hundreds; here it is larger.
// Fields may be changed before the first call.
type RNN struct {
	Batch        int     // candidates of an update: 20
	LearningRate float64 // of Adam: 0.01, as NATS-Bench's REINFORCE (D-X-Y/AutoDL-Projects, exps/NATS-algos/reinforce.py)
	Entropy      float64 // weight of the entropy of each decision, which is made larger: 1e-5
	Decay        float64 // of the baseline, a moving average of the scores: 0.95
	Passes       int     // steps of Adam on a batch: 4; NASNet's are not published
	Clip         float64 // PPO (arXiv 1707.06347, section 3): a ratio of probabilities further than this from 1 moves nothing: 0.2; 0: no limit

	p        Problem
	lstm     lstm
	batch    []episode
	baseline float64
	begun    bool
	beta1    float64 // β1 and β2 of Adam to the power of updates
	beta2    float64
}

// episode is a scored candidate.
type episode struct {
	steps []step
	score float64
	old   []float64 // logarithm of each choice's probability before the update
}

// NewRNN makes the paper's controller, which is trained with proximal policy
// optimisation.
func NewRNN(p Problem, seed uint64) *RNN {
	return &RNN{
		Batch: 20, LearningRate: 0.01, Entropy: 1e-5, Decay: 0.95, Passes: 4, Clip: 0.2,
		p: p, lstm: lstm{units: 100, init: 0.1, seed: seed, index: map[name]*weights{}}, beta1: 1, beta2: 1,
	}
}

// NewREINFORCE is the same network with the plain policy gradient (Williams, 1992):
// one step on a batch, and nothing is clipped.
func NewREINFORCE(p Problem, seed uint64) *RNN {
	c := NewRNN(p, seed)
	c.Passes, c.Clip = 1, 0
	return c
}

// Propose draws from the policy until a candidate is valid.
func (c *RNN) Propose(r *rand.Rand) []int {
	for range tries {
		if choices := c.draw(r); c.p.Valid(choices) {
			return choices
		}
	}
	return nil
}

// draw makes all choices with the policy's probabilities.
func (c *RNN) draw(r *rand.Rand) []int {
	var choices []int
	var m *activations
	var before *step
	for t := 0; ; t++ {
		kind, tokens := c.tokens(choices)
		if len(tokens) == 0 {
			return choices
		}
		m = c.lstm.next(t, m, before, kind, tokens)
		u, choice := float64(r.Float64()), 0
		for u -= m.probability[0]; u >= 0 && choice < len(tokens)-1; u -= m.probability[choice] {
			choice++
		}
		choices = append(choices, choice)
		before = &step{kind, tokens, choice}
	}
}

// tokens is the decision after a prefix, with the place as the kind if the problem says none.
func (c *RNN) tokens(prefix []int) (kind int, tokens []int) {
	if p, ok := c.p.(Tokens); ok {
		return p.Tokens(prefix)
	}
	for i := range c.p.Options(prefix) {
		tokens = append(tokens, i)
	}
	return len(prefix), tokens
}

// Learn keeps a candidate, and updates the policy when a batch is full. The policy
// before the update counts as the one that made the choices, whoever made them.
func (c *RNN) Learn(choices []int, score float64) {
	e := episode{score: score}
	for i, choice := range choices {
		kind, tokens := c.tokens(choices[:i])
		e.steps = append(e.steps, step{kind, tokens, choice})
	}
	if c.batch = append(c.batch, e); len(c.batch) >= c.Batch {
		c.update()
		c.batch = nil
	}
}

// update makes Passes steps of Adam on the batch. The baseline of the first batch is
// its mean.
func (c *RNN) update() {
	if !c.begun {
		c.begun = true
		for _, e := range c.batch {
			c.baseline += e.score / float64(len(c.batch))
		}
	}
	for pass := range c.Passes {
		for i := range c.batch {
			e := &c.batch[i]
			ms := c.lstm.run(e.steps)
			if pass == 0 {
				e.old = logProbabilities(e.steps, ms)
			}
			c.lstm.back(e.steps, ms, c.gradients(e, ms))
		}
		c.adam()
	}
	for _, e := range c.batch {
		c.baseline = float64(c.Decay*c.baseline) + float64((1-c.Decay)*e.score)
	}
}

// logProbabilities are those of the choices.
func logProbabilities(steps []step, ms []*activations) []float64 {
	logs := make([]float64, len(steps))
	for t, s := range steps {
		logs[t] = portable.Log(ms[t].probability[s.choice])
	}
	return logs
}

// gradients are those of the loss with respect to the logits. The loss of a batch is
// the mean over its candidates of the sum over their decisions of
//
//	−min(ratio·A, clip(ratio)·A) − Entropy·H
//
// with the advantage A = score − baseline, the ratio of the choice's probability to
// that before the update, and the entropy H of the decision's probabilities.
func (c *RNN) gradients(e *episode, ms []*activations) [][]float64 {
	all := make([][]float64, len(e.steps))
	advantage := (e.score - c.baseline) / float64(len(c.batch))
	entropy := c.Entropy / float64(len(c.batch))
	for t, s := range e.steps {
		p := ms[t].probability
		ratio := portable.Exp(portable.Log(p[s.choice]) - e.old[t])
		along := -float64(advantage * ratio) // gradient of the logarithm of the choice's probability
		if c.Clip > 0 && (advantage > 0 && ratio > 1+c.Clip || advantage < 0 && ratio < 1-c.Clip) {
			along = 0
		}
		var h float64
		logs := make([]float64, len(p))
		for k, q := range p {
			if q > 0 {
				logs[k] = portable.Log(q)
				h -= float64(q * logs[k])
			}
		}
		g := make([]float64, len(p))
		for k, q := range p {
			g[k] = float64(entropy*q*(logs[k]+h)) - float64(along*q)
		}
		g[s.choice] += along
		all[t] = g
	}
	return all
}

// adam is a step of Adam (arXiv 1412.6980, algorithm 1) along the gradients, which
// become zero.
func (c *RNN) adam() {
	const b1, b2, epsilon = 0.9, 0.999, 1e-8
	c.beta1 *= b1
	c.beta2 *= b2
	for _, v := range c.lstm.weights {
		for i, g := range v.gradient {
			v.mean[i] = float64(b1*v.mean[i]) + float64((1-b1)*g)
			v.square[i] = float64(b2*v.square[i]) + float64((1-b2)*g*g)
			v.w[i] -= c.LearningRate * (v.mean[i] / (1 - c.beta1)) / (math.Sqrt(v.square[i]/(1-c.beta2)) + epsilon)
		}
		clear(v.gradient)
	}
}
