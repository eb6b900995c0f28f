package engine

import "github.com/spinemask/spinemask/internal/core/kernels"

// pickedTask computes one channel of a 1×1 convolution per row, the one that
// Workspace.Pick names: of the masks of all classes only the predicted one.
type pickedTask struct {
	ws      *Workspace
	set     *kernels.Set
	conv    kernels.Conv
	windows []*kernels.Packed // of each channel
	border  borderZeroer
	scratch []kernels.Conv // of each worker
}

func (ws *Workspace) bindPicked(s *step, conv kernels.Conv) task {
	return &pickedTask{
		ws: ws, set: ws.plan.module.kernels, conv: conv, windows: s.packed.windows,
		border: ws.borderOf(s.out), scratch: make([]kernels.Conv, ws.team.Workers()),
	}
}

func (t *pickedTask) prepare(rows, _ int) int { return rows }

func (t *pickedTask) Part(worker, row int) {
	c := &t.scratch[worker]
	*c = t.conv
	c.W = t.windows[t.ws.picks[row]]
	t.set.Conv(c, row*c.Height, (row+1)*c.Height, 0, 1)
	t.border.zero(row*c.Height, (row+1)*c.Height, c.Height)
}

// Pick names, for each row of the next run, the channel that is computed of the
// output named by Options.Pick.
func (ws *Workspace) Pick(channels []int) { ws.picks = append(ws.picks[:0], channels...) }
