package engine

import "slices"

// schedule orders the steps so that little memory is live at once. It compares
// the order of building with a greedy one, which at each place takes the ready
// step that adds the least, and returns the better.
func schedule(m *module, layouts []layout) []step {
	built := slices.Clone(m.steps)
	greedy := greedyOrder(m, layouts)
	if peak(m, greedy, layouts) < peak(m, built, layouts) {
		return greedy
	}
	return built
}

func greedyOrder(m *module, layouts []layout) []step {
	left := slices.Clone(m.steps)
	made := make([]bool, len(m.values))
	for _, in := range m.inputs {
		made[in.value] = true
	}
	readers := countReaders(m, left)
	var order []step
	for len(left) > 0 {
		best, bestCost := -1, 0
		for i := range left {
			s := &left[i]
			if slices.ContainsFunc(s.in, func(v int) bool { return !made[v] }) {
				continue
			}
			cost := layouts[s.out].item()
			for _, v := range slices.Compact(slices.Sorted(slices.Values(s.in))) {
				if readers[v] == 1 {
					cost -= layouts[v].item()
				}
			}
			if best < 0 || cost < bestCost {
				best, bestCost = i, cost
			}
		}
		s := left[best]
		for _, v := range slices.Compact(slices.Sorted(slices.Values(s.in))) {
			readers[v]--
		}
		made[s.out] = true
		order = append(order, s)
		left = slices.Delete(left, best, best+1)
	}
	return order
}

// countReaders counts the steps that read each value; inputs and outputs have
// one more, as they are never freed.
func countReaders(m *module, steps []step) []int {
	readers := make([]int, len(m.values))
	for _, s := range steps {
		for _, v := range slices.Compact(slices.Sorted(slices.Values(s.in))) {
			readers[v]++
		}
	}
	for _, in := range m.inputs {
		readers[in.value]++
	}
	for _, o := range m.outputs {
		readers[o.value]++
	}
	return readers
}

// peak is the largest number of floats that are live during a step.
func peak(m *module, order []step, layouts []layout) int {
	readers := countReaders(m, order)
	live, most := 0, 0
	for _, in := range m.inputs {
		live += layouts[in.value].item()
	}
	for _, s := range order {
		live += layouts[s.out].item()
		most = max(most, live)
		for _, v := range slices.Compact(slices.Sorted(slices.Values(s.in))) {
			if readers[v]--; readers[v] == 0 {
				live -= layouts[v].item()
			}
		}
	}
	return most
}
