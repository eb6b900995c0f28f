package spinemask

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/preprocess"
)

// checkMemory holds what the model is known to need against the limit.
func (m *Model) checkMemory() error {
	if m.config.Input.Fit != config.FitFixedSize {
		return m.checkWorkspace(nil)
	}
	g, err := preprocess.Fit(&m.config.Input, m.config.Input.Height, m.config.Input.Width)
	if err != nil {
		return err
	}
	trunk, err := m.trunk.Plan(g.InputHeight, g.InputWidth, 1)
	if err != nil {
		return err
	}
	return m.checkWorkspace(trunk)
}

// checkWorkspace checks the same with workspaces of a plan for the trunk.
func (m *Model) checkWorkspace(trunk *engine.Plan) error {
	limit := m.options.MemoryLimit
	if limit == 0 {
		return nil
	}
	each := m.boxPlan.ArenaBytes() + m.maskPlan.ArenaBytes()
	if trunk != nil {
		each += trunk.ArenaBytes()
	}
	n := int64(m.options.workspaces())
	if need := m.weightBytes + n*each; need > limit {
		return fmt.Errorf("%s of memory needed (weights %s, %d × %s for feature maps), over the limit of %s",
			megabytes(need), megabytes(m.weightBytes), n, megabytes(each), megabytes(limit))
	}
	return nil
}

// megabytes rounds up.
func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+999_999)/1_000_000) }
