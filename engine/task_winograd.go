package engine

import "github.com/spinemask/spinemask/internal/core/kernels"

// winogradTask runs a 3×3 convolution by Winograd's algorithm, a block of tiles
// at a time.
type winogradTask struct {
	set    *kernels.Set
	conv   kernels.Conv
	plan   *kernels.WinogradPlan
	ws     *Workspace
	border borderZeroer

	rows, blocks int
	zeroParts    int // parts that write the border of some items
}

const zeroItems = 16 // items whose borders are one part's work

func (ws *Workspace) bindWinograd(s *step, conv kernels.Conv) task {
	out := ws.plan.layouts[s.out].shape
	return &winogradTask{
		set: ws.plan.module.kernels, conv: conv, ws: ws, border: ws.borderOf(s.out),
		plan: s.packed.winograd.Plan(out.H, out.W, ws.team.Workers()),
	}
}

func (t *winogradTask) prepare(rows, _ int) int {
	t.rows, t.blocks = rows, t.plan.Blocks(rows)
	t.zeroParts = (rows + zeroItems - 1) / zeroItems
	return t.blocks + t.zeroParts
}

func (t *winogradTask) Part(worker, part int) {
	if part < t.blocks {
		t.set.Winograd(&t.conv, t.plan, t.rows, part, part+1, t.ws.scratch.workers[worker])
		return
	}
	first := (part - t.blocks) * zeroItems
	t.border.zero(first*t.conv.Height, min(first+zeroItems, t.rows)*t.conv.Height, t.conv.Height)
}

// scratch is how many floats each of so many workers wants for itself.
func (pl *Plan) scratch(workers int) int {
	most := 0
	for i := range pl.steps {
		s := &pl.steps[i]
		if s.pool != nil {
			most = max(most, pl.bandOf(s).scratch())
		}
		switch s.algorithm {
		case winograd:
			out := pl.layouts[s.out].shape
			most = max(most, s.packed.winograd.Plan(out.H, out.W, workers).Scratch())
		case split:
			most = max(most, pl.splitScratch(s))
		}
	}
	return most
}
