package spinemask

import (
	"fmt"

	"github.com/spinemask/spinemask/engine"
)

// winograd is the memory of Winograd's weights for a plan of the trunk and the
// heads.
func (m *Model) winograd(trunk *engine.Plan) int64 {
	n := m.boxPlan.WinogradBytes() + m.maskPlan.WinogradBytes()
	if trunk != nil {
		n += trunk.WinogradBytes()
	}
	return n
}

// checkMemory holds what the model is known to need against the limit, with a
// plan for the trunk if there is one.
func (m *Model) checkMemory(trunk *engine.Plan) error {
	limit := m.options.MemoryLimit
	if limit == 0 {
		return nil
	}
	each := m.boxPlan.ArenaBytes() + m.maskPlan.ArenaBytes()
	if trunk != nil {
		each += trunk.ArenaBytes()
	}
	n := int64(m.options.workspaces())
	weights := m.weightBytes + m.winograd(trunk)
	if need := weights + n*each; need > limit {
		return fmt.Errorf("%s of memory needed (weights %s, %d × %s for feature maps), over the limit of %s",
			megabytes(need), megabytes(weights), n, megabytes(each), megabytes(limit))
	}
	return nil
}

// megabytes rounds up.
func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+999_999)/1_000_000) }
