package engine

import "github.com/spinemask/spinemask/graph"

// fuse lets a step do what follows it: additions and activations go into the
// epilogue of the linear step that makes their input, activations into that of a
// depthwise one too, upsamplings into the additions that read them.
//
//	%1 a = conv 1x1 same 8 (%0)
//	%2 sum = add (%1, %0)
//	%3 sum/relu = relu (%2)
//
// becomes
//
//	%3 a = conv 1x1 same 8 (%0, %0) +residual +relu
func fuse(m *module) error {
	for i := 0; i < len(m.steps); i++ {
		switch m.steps[i].op.(type) {
		case graph.Add:
			i = fuseAdd(m, i)
		case graph.Activate:
			i = fuseActivation(m, i)
		}
	}
	return nil
}

// fuseAdd makes the addition of step i a residual of the last linear step
// among its inputs' makers, or else absorbs upsamplings into it. It returns
// where to go on.
func fuseAdd(m *module, i int) int {
	add := m.steps[i]
	if len(add.in) == 2 {
		last, other := -1, 0
		for j, v := range add.in {
			p := m.onlyMaker(v)
			if p > last && m.steps[p].linear() && m.steps[p].act == "" && !m.steps[p].residual {
				last, other = p, add.in[1-j]
			}
		}
		if last >= 0 {
			conv := &m.steps[last]
			conv.in = append(conv.in, other)
			conv.residual, conv.out = true, add.out
			m.move(last, i) // behind the maker of the other input
			m.remove(i - 1) // the addition
			return i - 1
		}
	}
	factors := make([]int, len(add.in))
	absorbed := false
	for j, v := range add.in {
		factors[j] = 1
		p := m.onlyMaker(v)
		if p < 0 {
			continue
		}
		if up, ok := m.steps[p].op.(graph.Upsample); ok {
			add.in[j], factors[j] = m.steps[p].in[0], up.Factor
			m.remove(p)
			i--
			absorbed = true
		}
	}
	if absorbed {
		m.steps[i].factors = factors
	}
	return i
}

// fuseActivation puts the activation of step i into the maker of its input.
func fuseActivation(m *module, i int) int {
	s := m.steps[i]
	p := m.onlyMaker(s.in[0])
	if p < 0 || m.steps[p].act != "" {
		return i
	}
	if _, isAdd := m.steps[p].op.(graph.Add); !isAdd && !m.steps[p].linear() && !m.steps[p].depthwise() {
		return i
	}
	m.steps[p].act = s.op.(graph.Activate).Func
	m.steps[p].out = s.out
	m.remove(i)
	return i - 1
}
