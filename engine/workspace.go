package engine

import (
	"context"
	"fmt"

	"github.com/spinemask/spinemask/internal/core/parallel"
)

// A Workspace is the memory of one run at a time of a plan, and the plan's
// steps bound to it.
type Workspace struct {
	plan    *Plan
	team    *parallel.Team
	arena   []float32
	tasks   []task // of the steps
	waves   []task
	scratch *Scratch
	picks   []int // channel of each row, for a picked output
}

// A task is a step bound to a workspace.
type task interface {
	parallel.Task
	// prepare says into how many parts the step is split for a number of rows.
	prepare(rows, workers int) (parts int)
}

// NewWorkspace binds a plan to memory. Its runs use the team.
func (pl *Plan) NewWorkspace(team *parallel.Team, arena *Arena) *Workspace {
	_ = pl.Warm(context.Background(), team) // which is never done
	ws := &Workspace{plan: pl, team: team, arena: arena.take(pl.size), scratch: arena.Scratch}
	if ws.scratch == nil {
		ws.scratch = new(Scratch)
	}
	ws.scratch.reserve(team.Workers(), pl.scratch(team.Workers()))
	for _, in := range pl.module.inputs {
		l := &pl.layouts[in.value]
		clear(ws.arena[l.offset : l.offset+l.size(pl.rows)]) // their borders, which no step writes
	}
	for i := range pl.steps {
		ws.tasks = append(ws.tasks, ws.bind(&pl.steps[i]))
	}
	ws.waves = pl.waves(ws.tasks)
	return ws
}

// A Map is a view of a value in a workspace: items of Height×Width×Channels
// float32, channel fastest. Data begins at pixel (0, 0) of item 0; the floats
// between rows, and around items, belong to zero borders that only the engine
// writes.
type Map struct {
	Data                    []float32
	Height, Width, Channels int
	RowStride, ItemStride   int // floats between rows, between items
	gap                     int // floats between pixels: maps that only convolutions read
}

// pixel is the distance between pixels of a row.
func (m *Map) pixel() int { return m.Channels + m.gap }

// Pixel returns the channels of a pixel.
func (m *Map) Pixel(item, y, x int) []float32 {
	at := item*m.ItemStride + y*m.RowStride + x*m.Channels
	return m.Data[at : at+m.Channels]
}

// Input returns the memory of an input, which the caller fills before a run.
func (ws *Workspace) Input(name string) Map {
	for _, in := range ws.plan.module.inputs {
		if ws.plan.module.values[in.value].name == name {
			return ws.view(in.value)
		}
	}
	panic("engine: no input " + name)
}

// Output returns a named output. It is valid until the next run.
func (ws *Workspace) Output(name string) Map {
	for _, o := range ws.plan.module.outputs {
		if o.name == name {
			return ws.view(o.value)
		}
	}
	panic("engine: no output " + name)
}

// view is the memory of a value.
func (ws *Workspace) view(v int) Map {
	l := &ws.plan.layouts[v]
	return Map{
		Data:   ws.arena[l.offset+l.at(0, 0) : l.offset+l.size(ws.plan.rows)],
		Height: l.shape.H, Width: l.shape.W, Channels: l.shape.C,
		RowStride: l.row(), ItemStride: l.item(), gap: l.gap,
	}
}

// Run computes all outputs for the first rows items of the input. It looks at
// ctx between waves and returns its error when it is done.
func (ws *Workspace) Run(ctx context.Context, rows int) error {
	if rows > ws.plan.rows {
		return fmt.Errorf("engine: %d rows, planned for at most %d", rows, ws.plan.rows)
	}
	for _, t := range ws.waves {
		if err := ctx.Err(); err != nil {
			return err
		}
		ws.run(t, rows)
	}
	return nil
}

func (ws *Workspace) run(t task, rows int) {
	if rows > 0 {
		ws.team.Do(t.prepare(rows, ws.team.Workers()), t)
	}
}
