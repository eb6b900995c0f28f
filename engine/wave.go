package engine

import "slices"

// A wave is steps that do not need each other and run side by side: a small map
// has too few parts for all workers, but the branches of a network can share
// them. Every other step is a wave of its own.

const (
	smallStep  = 64 << 20 // most multiply-adds of a step that shares its wave
	waveValues = 1 << 20  // most floats of the outputs of a wave, if several steps share it
)

// formWaves moves small steps forward to the first wave that can take them, and
// numbers the waves.
func (pl *Plan) formWaves() {
	made := make([]bool, len(pl.layouts)) // before the wave
	for _, in := range pl.module.inputs {
		made[in.value] = true
	}
	left := pl.steps
	pl.steps = make([]step, 0, len(left))
	for wave := 0; len(left) > 0; wave++ {
		first, floats := len(pl.steps), 0
		take := func(i int) {
			left[i].wave = wave
			floats += pl.floats(&left[i])
			pl.steps = append(pl.steps, left[i])
			left = slices.Delete(left, i, i+1)
		}
		shared := pl.small(&left[0])
		take(0)
		for i := 0; shared && i < len(left); {
			if s := &left[i]; pl.small(s) && floats+pl.floats(s) <= waveValues && !slices.ContainsFunc(s.in, func(v int) bool { return !made[v] }) {
				take(i)
			} else {
				i++
			}
		}
		for _, s := range pl.steps[first:] {
			made[s.out] = true
		}
	}
}

func (pl *Plan) small(s *step) bool {
	return pl.macs(s, pl.rows) <= smallStep
}

// floats is the size of a step's output.
func (pl *Plan) floats(s *step) int { return pl.layouts[s.out].item() * pl.rows }

// waves makes one task of those of each wave.
func (pl *Plan) waves(tasks []task) []task {
	var waves []task
	for first := 0; first < len(tasks); {
		end := first + 1
		for end < len(tasks) && pl.steps[end].wave == pl.steps[first].wave {
			end++
		}
		if end == first+1 {
			waves = append(waves, tasks[first])
		} else {
			waves = append(waves, &waveTask{tasks: tasks[first:end], ends: make([]int, 0, end-first)})
		}
		first = end
	}
	return waves
}

// waveTask is the tasks of a wave as one: their parts, one after another.
type waveTask struct {
	tasks []task
	ends  []int // of each task's parts
}

func (t *waveTask) prepare(rows, workers int) int {
	t.ends = t.ends[:0]
	parts := 0
	for _, each := range t.tasks {
		parts += each.prepare(rows, workers)
		t.ends = append(t.ends, parts)
	}
	return parts
}

func (t *waveTask) Part(worker, part int) {
	i, begin := 0, 0
	for part >= t.ends[i] {
		i, begin = i+1, t.ends[i]
	}
	t.tasks[i].Part(worker, part-begin)
}
