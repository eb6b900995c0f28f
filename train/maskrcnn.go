package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/roialign"
	"github.com/spinemask/spinemask/rpn"
	"github.com/spinemask/spinemask/train/loss"
	"github.com/spinemask/spinemask/train/target"
)

// maskRCNN computes the losses of batches and the gradients of the weights.
type maskRCNN struct {
	config           *config.Config
	team             *parallel.Team
	params           *backprop.Params
	trunk, box, mask *backprop.Program
	aligner          *roialign.Aligner
	batch            int // images
	regions, masks   int // of an image, for the box head and for the mask head
	size             box.Size
	aligning         time.Duration // spent in RoIAlign

	recipe  *Recipe
	anchors *anchors
	encode  target.Encoding // of regions

	of      []targets // of the images of a batch
	workers []worker
	lists   regionLists
	values  maskValues
}

// worker is what one worker finds targets with.
type worker struct {
	proposer *rpn.Proposer
	levels   []rpn.Output
	scratch
}

// regionLists are the regions that a head is trained on, image by image, and their
// classes and deltas, in memory that stays.
type regionLists struct {
	boxes  [][]box.Box
	class  []int
	deltas []float32
}

func (l *regionLists) fill(of []targets, regions func(t *targets) []target.Region) {
	l.boxes = sized(l.boxes, len(of))
	l.class, l.deltas = l.class[:0], l.deltas[:0]
	for i := range of {
		l.boxes[i] = l.boxes[i][:0]
		for _, r := range regions(&of[i]) {
			l.boxes[i] = append(l.boxes[i], r.Box)
			l.class = append(l.class, r.Class)
			l.deltas = append(l.deltas, r.Deltas[:]...)
		}
	}
}

// maskValues are those of the regions that the mask head is trained on: what it
// should give, and the logits of their classes with their gradient.
type maskValues struct{ want, logits, grad []float32 }

func (m *maskRCNN) input() *backprop.Map          { return m.trunk.Input("image") }
func (m *maskRCNN) programs() []*backprop.Program { return []*backprop.Program{m.trunk, m.box, m.mask} }

// propose prepares what a recipe says of proposals and samples.
func (m *maskRCNN) propose(r *Recipe) {
	proposing := *m.config
	proposing.RPN.PreNMSPerLevel, proposing.RPN.PostNMS = r.Regions.PreNMS, r.Regions.PostNMS
	m.recipe = r
	for range m.team.Workers() {
		m.workers = append(m.workers, worker{proposer: rpn.NewProposer(&proposing)})
	}
	m.encode = encoding(m.config, regionWeights(m.config))
	m.anchors = newAnchors(m.config, int(m.size.Height), int(m.size.Width))
}

func (m *maskRCNN) count(ctx context.Context, b batch, truths []truth, d *divisors) error {
	of, err := m.forward(ctx, b, truths)
	if err != nil {
		return err
	}
	m.addTargets(of, d)
	return nil
}

func (m *maskRCNN) learn(ctx context.Context, b batch, truths []truth, d *divisors) (Losses, error) {
	of, err := m.forward(ctx, b, truths)
	if err != nil {
		return nil, err
	}
	return m.backward(ctx, of, d)
}

// forward runs the network up to the heads, and says what it should have given.
func (m *maskRCNN) forward(ctx context.Context, b batch, truths []truth) ([]targets, error) {
	if err := m.trunk.Forward(ctx); err != nil {
		return nil, err
	}
	return m.assign(b, truths)
}

// addTargets counts anchors and regions with an object.
func (m *maskRCNN) addTargets(of []targets, d *divisors) {
	if d.matched == nil {
		d.matched = make([]int, m.config.Backbone.Levels())
	}
	for _, t := range of {
		for level, deltas := range t.deltas {
			d.matched[level] += loss.RPNMatched(deltas)
		}
		for _, r := range t.regions {
			d.regions += min(r.Class, 1)
		}
		for _, r := range t.masked {
			d.masked += min(r.Class, 1)
		}
	}
}

// assign proposes regions with the network as it is, and says what it should have
// given.
func (m *maskRCNN) assign(b batch, truths []truth) ([]targets, error) {
	c := &m.config.Backbone
	m.of = sized(m.of, len(truths))
	clip := m.size
	if m.config.Boxes.Clip == config.ClipCanvasMinusOne || m.config.Boxes.Clip == config.ClipImageMinusOne {
		clip = box.Size{Height: clip.Height - 1, Width: clip.Width - 1}
	}
	var outputs [][2]*backprop.Map // objectness and deltas of each level
	for l := c.MinLevel; l <= c.MaxLevel; l++ {
		outputs = append(outputs, [2]*backprop.Map{m.trunk.Output(fmt.Sprintf("objectness%d", l)), m.trunk.Output(fmt.Sprintf("deltas%d", l))})
	}
	errs := make([]error, len(truths))
	m.team.Do(len(truths), parallel.Func(func(number, i int) {
		w, t := &m.workers[number], &m.of[i]
		w.levels = w.levels[:0]
		for _, level := range outputs {
			o, d := level[0], level[1]
			w.levels = append(w.levels, rpn.Output{
				Height: o.Height, Width: o.Width,
				Objectness: o.Data[i*o.ItemStride:], ObjectnessRow: o.RowStride,
				Deltas: d.Data[i*d.ItemStride:], DeltasRow: d.RowStride,
			})
		}
		proposals, _ := w.proposer.Propose(w.levels, m.size, clip)
		m.anchors.label(&t.anchorTargets, &truths[i], m.recipe.Anchors, draws(m.recipe.Seed, forAnchors, b.step, b.first+i), &w.scratch)
		t.regionTargets, errs[i] = sample(proposals, &truths[i], m.recipe.Regions, m.encode, 2*m.config.RoIAlign.MaskSize, draws(m.recipe.Seed, forRegions, b.step, b.first+i), &w.scratch)
	}))
	return m.of, errors.Join(errs...)
}

func newMaskRCNN(c *config.Config, params *backprop.Params, s sizes, team *parallel.Team, o backprop.Options) (*maskRCNN, error) {
	if c.Background != config.BackgroundFirst {
		return nil, fmt.Errorf("train: the background is the %s class: only networks where it is the first can be trained", c.Background)
	}
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	m := &maskRCNN{
		config: c, team: team, params: params, batch: s.batch, regions: s.regions, masks: s.masks,
		size: box.Size{Height: float32(s.height), Width: float32(s.width)},
	}
	if m.trunk, err = backprop.New(n.Trunk, params, s.batch, s.height, s.width, team, o); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if m.trunk.OutputGrad(network.PName(c.RoIAlign.MinLevel)).Data != nil { // the backbone is trained
		o.InputGrads = []string{"features"}
	}
	if m.box, err = backprop.New(n.Box, params, s.batch*s.regions, c.RoIAlign.BoxSize, c.RoIAlign.BoxSize, team, o); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if m.mask, err = backprop.New(n.Mask, params, s.batch*s.masks, c.RoIAlign.MaskSize, c.RoIAlign.MaskSize, team, o); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	m.aligner = roialign.New(&c.RoIAlign, m.trunk.Kernels())
	return m, nil
}

// anchorTargets are those of the anchors of one image, level by level in the order
// rows, columns, anchors of a place.
type anchorTargets struct {
	labels [][]int8    // 1: object, 0: none, −1: not trained on
	deltas [][]float32 // four for each anchor; 0 where there is no object

	anchors []int8    // labels of all levels
	ways    []float32 // deltas of all levels
}

// regionTargets are those of the regions of one image.
type regionTargets struct {
	regions []target.Region
	masked  []target.Region // those that the mask head is trained on
	masks   []float32       // what it should give for them
}

// targets of one image.
type targets struct {
	anchorTargets
	regionTargets
}

// backward runs the heads over the regions of each image, and all programs
// backward. It adds to the gradients of the params.
func (m *maskRCNN) backward(ctx context.Context, of []targets, d *divisors) (Losses, error) {
	if d == nil {
		d = &divisors{parts: 1}
		m.addTargets(of, d)
	}
	losses := Losses{}
	m.rpn(of, d, losses)
	c := &m.config.RoIAlign
	var grads []*backprop.Map // of the levels that regions are cut from
	for l := c.MinLevel; l <= c.MaxLevel; l++ {
		grads = append(grads, m.trunk.OutputGrad(network.PName(l)))
	}
	if err := m.boxHead(ctx, of, d, grads, losses); err != nil {
		return nil, err
	}
	if err := m.maskHead(ctx, of, d, grads, losses); err != nil {
		return nil, err
	}
	total := 0.0
	for _, name := range []string{"rpn_score_loss", "rpn_box_loss", "frcnn_cls_loss", "frcnn_box_loss", "mask_loss"} {
		total += losses[name]
	}
	losses["model_loss"] = total
	return losses, m.trunk.Backward(ctx)
}

// rpn sets the gradients of the region proposal network's outputs.
func (m *maskRCNN) rpn(of []targets, d *divisors, losses Losses) {
	b := &m.config.Backbone
	for l := b.MinLevel; l <= b.MaxLevel; l++ {
		level := l - b.MinLevel
		score, scoreGrad := flat(m.trunk, fmt.Sprintf("objectness%d", l))
		deltas, deltasGrad := flat(m.trunk, fmt.Sprintf("deltas%d", l))
		for i, t := range of {
			losses["rpn_score_loss"] += loss.RPNScore(score(i), t.labels[level], float64(d.parts*m.batch*m.regions), scoreGrad(i))
			losses["rpn_box_loss"] += loss.RPNBox(deltas(i), t.deltas[level], loss.RPNBoxDelta, d.matched[level], deltasGrad(i))
		}
	}
}

// flat gives the values of an output and their gradient, image by image.
func flat(p *backprop.Program, name string) (values, grads func(item int) []float32) {
	item := func(m *backprop.Map) func(int) []float32 {
		if m.RowStride != m.Width*m.Channels || m.ItemStride != m.Height*m.RowStride {
			panic("train: the output " + name + " has a border")
		}
		return func(i int) []float32 { return m.Data[i*m.ItemStride:][:m.ItemStride] }
	}
	return item(p.Output(name)), item(p.OutputGrad(name))
}

func (m *maskRCNN) boxHead(ctx context.Context, of []targets, d *divisors, grads []*backprop.Map, losses Losses) error {
	m.lists.fill(of, func(t *targets) []target.Region { return t.regions })
	boxes, class := m.lists.boxes, m.lists.class
	m.align(m.box, boxes)
	if err := m.box.Forward(ctx); err != nil {
		return err
	}
	logits, logitsGrad := m.box.Output("classes"), m.box.OutputGrad("classes")
	losses["frcnn_cls_loss"] = loss.Class(logits.Data, class, m.config.Classes(), loss.ClassOptions{}, logitsGrad.Data)
	out, outGrad := m.box.Output("deltas"), m.box.OutputGrad("deltas")
	losses["frcnn_box_loss"] = loss.Box(out.Data, m.lists.deltas, class, 1, !m.config.BoxHead.ClassSpecific, outGrad.Data)
	if d.parts > 1 { // the functions divide by the counts of the part
		losses["frcnn_cls_loss"] *= scaled(logitsGrad.Data, 1/float64(d.parts))
		losses["frcnn_box_loss"] *= scaled(outGrad.Data, share(4, class, d.regions))
	}
	if err := m.box.Backward(ctx); err != nil {
		return err
	}
	m.alignBack(m.box, boxes, grads)
	return nil
}

func (m *maskRCNN) maskHead(ctx context.Context, of []targets, d *divisors, grads []*backprop.Map, losses Losses) error {
	m.lists.fill(of, func(t *targets) []target.Region { return t.masked })
	boxes, class := m.lists.boxes, m.lists.class
	v := &m.values
	v.want = v.want[:0]
	for _, t := range of {
		v.want = append(v.want, t.masks...)
	}
	m.align(m.mask, boxes)
	if err := m.mask.Forward(ctx); err != nil {
		return err
	}
	out, grad := m.mask.Output("logits"), m.mask.OutputGrad("logits")
	channels := make([]int, len(class))
	if m.config.MaskHead.ClassSpecific {
		copy(channels, class)
	}
	v.logits = gather(v.logits, out, channels)
	v.grad = sized(v.grad, len(v.logits))
	losses["mask_loss"] = loss.Mask(v.logits, v.want, class, v.grad)
	if d.parts > 1 {
		losses["mask_loss"] *= scaled(v.grad, share(out.Height*out.Width, class, d.masked))
	}
	scatter(grad, channels, v.grad)
	if err := m.mask.Backward(ctx); err != nil {
		return err
	}
	m.alignBack(m.mask, boxes, grads)
	return nil
}

// share is the divisor of a loss over the regions of a part that have a class, of each of
// which so many values count, in that over all of them (loss.Box, loss.Mask).
func share(values int, class []int, all int) float64 {
	n := 0
	for _, c := range class {
		n += min(c, 1)
	}
	return (float64(values*n) + 0.01) / (float64(values*all) + 0.01)
}

// scaled multiplies gradients by a factor, which it gives back for their loss.
func scaled(grad []float32, factor float64) float64 {
	for i := range grad {
		grad[i] *= float32(factor)
	}
	return factor
}

// gather takes one channel of each item: of a region, the mask of its own class.
func gather(values []float32, m *backprop.Map, channels []int) []float32 {
	pixels := m.Height * m.Width
	values = sized(values, len(channels)*pixels)
	for item, c := range channels {
		for i := range pixels {
			values[item*pixels+i] = m.Data[item*m.ItemStride+i*m.Channels+c]
		}
	}
	return values
}

// scatter is the way back of gather, into a map of zeros.
func scatter(m *backprop.Map, channels []int, values []float32) {
	pixels := m.Height * m.Width
	for item, c := range channels {
		for i := range pixels {
			m.Data[item*m.ItemStride+i*m.Channels+c] = values[item*pixels+i]
		}
	}
}

// align cuts the features of each image's boxes into the input of a head.
func (m *maskRCNN) align(head *backprop.Program, boxes [][]box.Box) {
	start := time.Now()
	defer func() { m.aligning += time.Since(start) }()
	c := &m.config.RoIAlign
	in := head.Input("features")
	first := 0
	for i, list := range boxes {
		var maps []roialign.Map
		for l := c.MinLevel; l <= c.MaxLevel; l++ {
			maps = append(maps, imageOf(m.trunk.Output(network.PName(l)), i))
		}
		const block = 4 // regions
		m.team.Do((len(list)+block-1)/block, parallel.Func(func(_, part int) {
			at := part * block
			dst := roialign.Crops{Data: in.Data[(first+at)*in.ItemStride:], ItemStride: in.ItemStride, RowStride: in.RowStride}
			m.aligner.Align(dst, in.Height, maps, m.size, list[at:min(at+block, len(list))])
		}))
		first += len(list)
	}
	in.ClearBorders()
}

// alignBack adds the gradient of a head's input to those of the levels.
func (m *maskRCNN) alignBack(head *backprop.Program, boxes [][]box.Box, grads []*backprop.Map) {
	start := time.Now()
	defer func() { m.aligning += time.Since(start) }()
	in := head.InputGrad("features")
	if in.Data == nil {
		return // the backbone is frozen
	}
	first := 0
	for i, list := range boxes {
		var maps []roialign.Map
		for _, g := range grads {
			maps = append(maps, imageOf(g, i))
		}
		crops := roialign.Crops{Data: in.Data[first*in.ItemStride:], ItemStride: in.ItemStride, RowStride: in.RowStride}
		const block = 16 // channels: a cache line
		m.team.Do((in.Channels+block-1)/block, parallel.Func(func(_, part int) {
			m.aligner.Back(maps, in.Height, crops, m.size, list, part*block, min((part+1)*block, in.Channels))
		}))
		first += len(list)
	}
}

// imageOf is the map of one image of a batch.
func imageOf(m *backprop.Map, i int) roialign.Map {
	return roialign.Map{Data: m.Data[i*m.ItemStride:], Height: m.Height, Width: m.Width, Channels: m.Channels, RowStride: m.RowStride}
}
