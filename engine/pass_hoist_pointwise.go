package engine

import "github.com/spinemask/spinemask/graph"

// hoistPointwise moves 1×1 convolutions and activations from behind a nearest
// upsampling to the front of it, where there are fewer pixels; they commute.
//
//	%1 up = upsample 2 (%0)
//	%2 a = conv 1x1 same 8 (%1)
//
// becomes
//
//	%3 a = conv 1x1 same 8 (%0)
//	%2 up = upsample 2 (%3)
func hoistPointwise(m *module) error {
	for moved := true; moved; {
		moved = false
		for i := range m.steps {
			s := &m.steps[i]
			if !pointwise(s) {
				continue
			}
			p := m.onlyMaker(s.in[0])
			if p < 0 {
				continue
			}
			if _, ok := m.steps[p].op.(graph.Upsample); !ok {
				continue
			}
			up := &m.steps[p]
			small := len(m.values)
			m.values = append(m.values, value{name: s.name, channels: m.values[s.out].channels})
			out := s.out
			s.in[0], s.out = up.in[0], small
			up.in[0], up.out = small, out
			*s, *up = *up, *s
			moved = true
		}
	}
	return nil
}

func pointwise(s *step) bool {
	switch op := s.op.(type) {
	case graph.Activate:
		return true
	case graph.Conv:
		return op.Size == 1 && op.Stride == 1 && !s.residual
	}
	return false
}
