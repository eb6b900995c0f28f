package spinemask

import (
	"fmt"

	"github.com/spinemask/spinemask/engine"
)

// winograd is the memory of Winograd's weights for a plan of the trunk and the
// heads.
func (m *Model) winograd(trunk *engine.Plan) int64 {
	n := int64(0)
	for _, h := range m.heads() {
		n += h.plan.WinogradBytes()
	}
	if trunk != nil {
		n += trunk.WinogradBytes()
	}
	return n
}

// restBytes stand for everything that is small: the runtime, the program, the
// lists of proposals and detections, the unused ends of huge pages.
const restBytes = 40 << 20

// checkMemory holds what the model is known to need against the limit, with a
// plan for the trunk if there is one.
func (m *Model) checkMemory(trunk *engine.Plan) error {
	limit := m.options.MemoryLimit
	if limit == 0 {
		return nil
	}
	threads := m.options.threads()
	each, scratch := int64(0), int64(0)
	plans := []*engine.Plan{}
	if trunk != nil {
		plans = append(plans, trunk)
	}
	for _, h := range m.heads() {
		plans = append(plans, h.plan)
	}
	for _, plan := range plans {
		each += plan.ArenaBytes()
		scratch = max(scratch, plan.ScratchBytes(threads))
	}
	each += scratch * int64(threads)
	n := int64(m.options.workspaces())
	weights := m.weightBytes + m.winograd(trunk)
	if need := restBytes + weights + n*each; need > limit {
		return fmt.Errorf("%s of memory needed (weights %s, %d × %s for pictures in work, %s for the rest), over the limit of %s",
			megabytes(need), megabytes(weights), n, megabytes(each), megabytes(restBytes), megabytes(limit))
	}
	return nil
}

// megabytes rounds up.
func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+999_999)/1_000_000) }
