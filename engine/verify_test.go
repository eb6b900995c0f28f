package engine

import "fmt"

// verify checks what every pass must leave behind: each value has one writer,
// which stands before its readers, and all outputs are made. Tests run it
// between passes.
func (m *module) verify() error {
	made := make([]bool, len(m.values))
	for _, in := range m.inputs {
		made[in.value] = true
	}
	for _, s := range m.steps {
		for _, v := range s.in {
			if !made[v] {
				return fmt.Errorf("%s: reads %%%d before it is made", s.name, v)
			}
		}
		if made[s.out] {
			return fmt.Errorf("%s: makes %%%d again", s.name, s.out)
		}
		made[s.out] = true
		if s.residual && len(s.in) != 2 {
			return fmt.Errorf("%s: a residual needs a second input", s.name)
		}
		if s.factors != nil && len(s.factors) != len(s.in) {
			return fmt.Errorf("%s: %d factors for %d inputs", s.name, len(s.factors), len(s.in))
		}
	}
	for _, o := range m.outputs {
		if !made[o.value] {
			return fmt.Errorf("output %s: %%%d is not made", o.name, o.value)
		}
	}
	return nil
}
