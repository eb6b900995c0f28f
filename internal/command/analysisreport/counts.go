package analysisreport

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"slices"
	"sort"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/cocoeval"
)

// counts is what the page counts anew when the score is moved: outcomes, with scores as places among the stops of the slider, so
// that the page decides as the library does. Lists of detections and annotations go image by image.
type counts struct {
	Stops   []float64 `json:"stops"` // ascending
	Stop    int       `json:"stop"`  // of the score that the tables are made at
	Classes []string  `json:"classes"`
	Images  []string  `json:"images"`
	IDs     []string  `json:"ids"` // of the images
	Worst   []int     `json:"worst"`

	Annotations []int `json:"annotations"` // how many of each image
	Truth       []int `json:"truth"`       // the class of each that counts

	Detections []int `json:"detections"` // how many of each image
	Class      []int `json:"class"`      // of each, by descending score
	Level      []int `json:"level"`      // how many stops are not above the score, less one
	// Given is the annotation that was given, counted in the image; or -1: wrong; -2: does not count.
	Given []int `json:"given"`
	// Others are the annotations of other classes that wrong detections lie on, best first: detection, how many, annotations.
	Others []int `json:"others"`

	Left int `json:"-"` // detections that are left out, because their scores are below all stops
}

// mostDetections keeps the page small: the stops begin where no more are left.
const mostDetections = 250_000

// newCounts makes the counts of outcomes. worst lists images by their number of mistakes.
func newCounts(o *cocoeval.Outcomes, score float64, worst []analysis.ImageCounts) *counts {
	none := []int{} // never null
	c := &counts{
		Stops: stops(o, score), Classes: []string{}, Images: []string{}, IDs: []string{}, Worst: none,
		Annotations: none, Truth: none, Detections: none, Class: none, Level: none, Given: none, Others: none,
	}
	c.Stop, _ = slices.BinarySearch(c.Stops, score)
	for k := range o.Categories {
		c.Classes = append(c.Classes, className(o.Categories[k].Name, o.Categories[k].ID))
	}
	for i := range o.Images {
		c.image(o, i)
	}
	for _, w := range worst {
		c.Worst = append(c.Worst, w.Index)
	}
	if worst == nil { // not asked for: in their order
		for i := range o.Images {
			c.Worst = append(c.Worst, i)
		}
	}
	return c
}

// stops are the scores that can be chosen: hundredths, or of scores that are no parts of 1 as many quantiles, and score itself.
func stops(o *cocoeval.Outcomes, score float64) []float64 {
	var all []float64
	for i := range o.Detections {
		if s := o.Detections[i].Score; s-s == 0 { // finite
			all = append(all, s)
		}
	}
	slices.Sort(all)
	var list []float64
	parts := len(all) == 0 || all[0] >= 0 && all[len(all)-1] <= 1
	for i := range 101 {
		if parts {
			list = append(list, float64(i)/100)
		} else {
			list = append(list, all[(len(all)-1)*i/100])
		}
	}
	list = append(list, score)
	slices.Sort(list)
	list = slices.Compact(list)
	if more := len(all) - mostDetections; more > 0 {
		from := sort.SearchFloat64s(list, all[more-1])
		for from < len(list)-1 && list[from] <= all[more-1] {
			from++
		}
		list = list[min(from, slices.Index(list, score)):]
	}
	return list
}

// image adds an image.
func (c *counts) image(o *cocoeval.Outcomes, i int) {
	im := &o.Dataset.Images[o.Images[i]]
	id := o.Dataset.ImageName(im.ID)
	c.IDs = append(c.IDs, id)
	c.Images = append(c.Images, cmp.Or(im.FileName, "image "+id))
	from, to := o.AnnotationsOf(i)
	number := make([]int, to-from) // among those that count
	n := 0
	for g := from; g < to; g++ {
		if number[g-from] = -1; !o.Annotations[g].Ignored {
			number[g-from] = n
			n++
			c.Truth = append(c.Truth, int(o.Annotations[g].Category))
		}
	}
	c.Annotations = append(c.Annotations, n)

	var list []int
	for d, end := o.DetectionsOf(i); d < end; d++ {
		if o.Detections[d].Score >= c.Stops[0] {
			list = append(list, d)
		} else {
			c.Left++
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(o.Detections[b].Score, o.Detections[a].Score) })
	c.Detections = append(c.Detections, len(list))
	for _, d := range list {
		x := &o.Detections[d]
		given := -1
		switch {
		case x.Ignored:
			given = -2
		case x.Right():
			given = number[int(x.Annotation)-from]
		default:
			c.others(o, d, from, number)
		}
		c.Class, c.Given = append(c.Class, int(x.Category)), append(c.Given, given)
		c.Level = append(c.Level, sort.Search(len(c.Stops), func(k int) bool { return c.Stops[k] > x.Score })-1)
	}
}

// others lists what a wrong detection may have been meant for, in the order in which analysis.ClassFirst prefers it.
func (c *counts) others(o *cocoeval.Outcomes, d, from int, number []int) {
	var list []cocoeval.Overlap
	for _, x := range o.Overlaps(d) {
		y := &o.Annotations[x.Annotation]
		if x.IoU >= min(o.Params.MatchIoU, 1-1e-10) && !y.Ignored && y.Category != o.Detections[d].Category {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b cocoeval.Overlap) int {
		return cmp.Or(cmp.Compare(b.IoU, a.IoU), cmp.Compare(b.Annotation, a.Annotation))
	})
	c.Others = append(c.Others, len(c.Class), len(list))
	for _, x := range list {
		c.Others = append(c.Others, number[int(x.Annotation)-from])
	}
}

// packed is the JSON of the counts as the page holds it.
func (c *counts) packed() (template.HTML, error) {
	var b bytes.Buffer
	text := base64.NewEncoder(base64.StdEncoding, &b)
	z, err := gzip.NewWriterLevel(text, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(z).Encode(c); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	if err := text.Close(); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}
