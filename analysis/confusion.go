package analysis

import (
	"cmp"
	"slices"

	"github.com/spinemask/spinemask/cocoeval"
)

// ConfusionRule says in which order detections and annotations of any class find each other.
type ConfusionRule uint8

const (
	// ClassFirst leaves the pairs of the evaluation as they are; each detection that is left over takes, by descending score,
	// the free annotation of another class of the highest IoU. So the diagonal holds the true positives.
	ClassFirst ConfusionRule = iota
	// ScoreFirst is the rule of hotcoco 1.3.0 (and ultralytics 8.4): of each image the 100 detections of the highest scores,
	// by descending score, take the free annotation of any class of the highest IoU. Equal scores go by category, and so do
	// equal IoUs, the last category first. Crowds are left out: what lies in them is background.
	ScoreFirst
	// IoUFirst is the rule of supervision 0.31.2: pairs above the IoU by descending IoU, those of one class before all others.
	// Scores play no role. Crowds are left out.
	IoUFirst
)

var confusionNames = [...]string{"class", "score", "iou"}

func (r ConfusionRule) String() string { return confusionNames[r] }

// Confusion counts which classes are taken for which. With ClassFirst the cells of a class of annotations add up to its
// annotations that count, and those of a class of detections, with Ignored, to its detections of at least Score.
type Confusion struct {
	Rule       string          `json:"rule"` // class, score or iou
	Score      float64         `json:"score"`
	IoU        float64         `json:"iou"`
	Cells      []ConfusionCell `json:"cells"`      // that are not 0, by annotated and detected class, background last
	Correct    int             `json:"correct"`    // the diagonal
	Confused   int             `json:"confused"`   // detections of an object as another class
	Missed     int             `json:"missed"`     // annotations taken for background
	Background int             `json:"background"` // detections of nothing
	Ignored    int             `json:"ignored"`    // detections that do not count
	Detections string          `json:"detections"` // a letter for each of the results: T right, C confused, B background, I ignored, . not looked at
}

// A ConfusionCell is the number of annotations of one class that were detected as another.
type ConfusionCell struct {
	TruthIndex    int `json:"-"`        // in Outcomes.Categories, or -1 for background
	DetectedIndex int `json:"-"`        // likewise
	Truth         any `json:"truth"`    // id of the category, or nil for background
	Detected      any `json:"detected"` // likewise
	Count         int `json:"count"`
}

// Confusion makes the confusion matrix of the detections of at least some score.
func (a *Analysis) Confusion(score float64, rule ConfusionRule) *Confusion {
	m := &confusion{Analysis: a, score: score, taken: make([]int32, len(a.o.Annotations)), given: make([]int32, len(a.o.Detections))}
	for g := range m.taken {
		m.taken[g] = -1
	}
	for d := range m.given {
		m.given[d] = -1
	}
	if rule == ClassFirst {
		m.pairsOfEvaluation()
	}
	for i := range a.o.Images {
		switch rule {
		case ClassFirst:
			m.byScore(m.rest(i), func(x *cocoeval.DetectionOutcome, y *cocoeval.AnnotationOutcome) bool {
				return !y.Ignored && x.Category != y.Category
			}, false)
		case ScoreFirst:
			list := m.all(i)
			slices.SortStableFunc(list, func(i, j int32) int {
				x, y := &m.o.Detections[i], &m.o.Detections[j]
				return cmp.Or(compareScores(x.Score, y.Score), cmp.Compare(x.Category, y.Category))
			})
			m.byScore(list[:min(len(list), 100)], func(_ *cocoeval.DetectionOutcome, y *cocoeval.AnnotationOutcome) bool { return !y.Crowd }, true)
		case IoUFirst:
			m.byIoU(m.all(i))
		}
	}
	return m.count(rule)
}

// confusion is a matrix in the making.
type confusion struct {
	*Analysis
	score float64
	taken []int32 // per annotation: its detection, or -1
	given []int32 // per detection: its annotation, or -1; skipped
}

// skipped is a detection that the rule does not look at.
const skipped = -2

// pairsOfEvaluation takes over what the evaluation matched.
func (m *confusion) pairsOfEvaluation() {
	for d := range m.o.Detections {
		if x := &m.o.Detections[d]; x.Right() && x.Score >= m.score {
			m.given[d], m.taken[x.Annotation] = x.Annotation, int32(d)
		}
	}
}

// all returns the detections of an image of at least the score, by descending score.
func (m *confusion) all(image int) (list []int32) {
	from, to := m.o.DetectionsOf(image)
	for d := from; d < to; d++ {
		if m.o.Detections[d].Score >= m.score {
			list = append(list, int32(d))
			m.given[d] = skipped
		}
	}
	m.sort(list)
	return list
}

// rest returns those that are wrong.
func (m *confusion) rest(image int) (list []int32) {
	from, to := m.o.DetectionsOf(image)
	for d := from; d < to; d++ {
		if x := &m.o.Detections[d]; x.Wrong() && x.Score >= m.score {
			list = append(list, int32(d))
		}
	}
	m.sort(list)
	return list
}

func (m *confusion) sort(list []int32) {
	slices.SortStableFunc(list, func(i, j int32) int { return compareScores(m.o.Detections[i].Score, m.o.Detections[j].Score) })
}

// byScore gives each detection of a list the free annotation that it may have of the highest IoU; of equal ones the last in
// the file, or the last of the last category.
func (m *confusion) byScore(list []int32, may func(*cocoeval.DetectionOutcome, *cocoeval.AnnotationOutcome) bool, byCategory bool) {
	for _, d := range list {
		best, found := m.least(), int32(-1)
		for _, x := range m.o.Overlaps(int(d)) {
			y := &m.o.Annotations[x.Annotation]
			if x.IoU < best || m.taken[x.Annotation] >= 0 || !may(&m.o.Detections[d], y) {
				continue
			}
			if byCategory && x.IoU == best && found >= 0 && y.Category < m.o.Annotations[found].Category {
				continue
			}
			best, found = x.IoU, x.Annotation
		}
		m.given[d] = found
		if found >= 0 {
			m.taken[found] = d
		}
	}
}

// byIoU pairs the detections of a list and annotations by class and IoU.
func (m *confusion) byIoU(list []int32) {
	type pair struct {
		other bool
		iou   float64
		g, d  int32
	}
	var pairs []pair
	for _, d := range list {
		m.given[d] = -1
		for _, x := range m.o.Overlaps(int(d)) {
			if y := &m.o.Annotations[x.Annotation]; !y.Crowd && x.IoU > m.o.Params.MatchIoU {
				pairs = append(pairs, pair{y.Category != m.o.Detections[d].Category, x.IoU, x.Annotation, d})
			}
		}
	}
	slices.SortFunc(pairs, func(x, y pair) int {
		if x.other != y.other {
			if y.other {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(y.iou, x.iou), cmp.Compare(x.g, y.g), cmp.Compare(x.d, y.d))
	})
	for _, p := range pairs {
		if m.taken[p.g] < 0 && m.given[p.d] < 0 {
			m.taken[p.g], m.given[p.d] = p.d, p.g
		}
	}
}

// count adds up the pairs.
func (m *confusion) count(rule ConfusionRule) *Confusion {
	c := &Confusion{Rule: rule.String(), Score: m.score, IoU: m.o.Params.MatchIoU, Cells: []ConfusionCell{}}
	k := int32(len(m.o.Categories)) // background
	cells := map[[2]int32]int{}
	letters := notLookedAt(m.o.Results)
	for d := range m.o.Detections {
		x := &m.o.Detections[d]
		letter := &letters[x.Entry]
		switch g := m.given[d]; {
		case !(x.Score >= m.score) || g == skipped:
		case rule == ClassFirst && x.Ignored:
			*letter = 'I'
			c.Ignored++
		case g < 0:
			*letter = 'B'
			c.Background++
			cells[[2]int32{k, x.Category}]++
		case m.o.Annotations[g].Category == x.Category:
			*letter = 'T'
			c.Correct++
			cells[[2]int32{x.Category, x.Category}]++
		default:
			*letter = 'C'
			c.Confused++
			cells[[2]int32{m.o.Annotations[g].Category, x.Category}]++
		}
	}
	for g := range m.o.Annotations {
		if y := &m.o.Annotations[g]; m.taken[g] < 0 && !y.Crowd && !(rule == ClassFirst && y.Ignored) {
			c.Missed++
			cells[[2]int32{y.Category, k}]++
		}
	}
	for at, n := range cells {
		c.Cells = append(c.Cells, m.cell(at, n))
	}
	last := func(i int) uint { return uint(i) } // -1 is the largest
	slices.SortFunc(c.Cells, func(x, y ConfusionCell) int {
		return cmp.Or(cmp.Compare(last(x.TruthIndex), last(y.TruthIndex)), cmp.Compare(last(x.DetectedIndex), last(y.DetectedIndex)))
	})
	c.Detections = string(letters)
	return c
}

func (m *confusion) cell(at [2]int32, n int) ConfusionCell {
	c := ConfusionCell{TruthIndex: -1, DetectedIndex: -1, Count: n}
	if k := int(at[0]); k < len(m.o.Categories) {
		c.TruthIndex, c.Truth = k, m.class(k).ID
	}
	if k := int(at[1]); k < len(m.o.Categories) {
		c.DetectedIndex, c.Detected = k, m.class(k).ID
	}
	return c
}

// notLookedAt returns n points.
func notLookedAt(n int) []byte {
	letters := make([]byte, n)
	for i := range letters {
		letters[i] = '.'
	}
	return letters
}
