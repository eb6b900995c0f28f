package analysisreport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

type object = map[string]any

// pairOf makes a data set of images with a number of boxes each, and results that hit most of them, some with another class,
// by a seed. Every seventh annotation is a crowd.
func pairOf(t testing.TB, images, boxes, classes int, seed uint64) (*coco.Dataset, *coco.Results) {
	r := rand.New(rand.NewPCG(seed, 0))
	set := object{"images": []object{}, "categories": []object{}, "annotations": []object{}}
	var annotations, results []object
	for k := range classes {
		set["categories"] = append(set["categories"].([]object), object{"id": k + 1, "name": fmt.Sprintf("class <%d>", k+1)})
	}
	for i := range images {
		set["images"] = append(set["images"].([]object), object{"id": i + 1, "file_name": fmt.Sprintf("image %d & co.jpg", i+1), "width": 1000, "height": 1000})
		for range boxes {
			x, y, k := r.IntN(900), r.IntN(900), r.IntN(classes)+1
			n := len(annotations) + 1
			crowd := 0
			if n%7 == 0 {
				crowd = 1
			}
			annotations = append(annotations, object{"id": n, "image_id": i + 1, "category_id": k, "bbox": []int{x, y, 60, 60}, "area": 3600, "iscrowd": crowd})
			for range r.IntN(3) {
				if r.IntN(4) == 0 {
					k = r.IntN(classes) + 1
				}
				results = append(results, object{"image_id": i + 1, "category_id": k, "bbox": []int{x + r.IntN(30), y + r.IntN(10), 60, 60}, "score": float64(r.IntN(1000)) / 1000})
			}
		}
	}
	if annotations != nil {
		set["annotations"] = annotations
	}
	if results == nil {
		results = []object{}
	}
	data, err := json.Marshal(set)
	require.NoError(t, err)
	d, err := coco.ParseDataset(data, "gt.json", coco.Boxes)
	require.NoError(t, err)
	data, err = json.Marshal(results)
	require.NoError(t, err)
	found, err := coco.ParseResults(data, "results.json", coco.Boxes)
	require.NoError(t, err)
	return d, found
}

// report makes the report of a pair, and gives the analysis that it is of.
func report(t testing.TB, d *coco.Dataset, results ...*coco.Results) (*Report, *analysis.Analysis) {
	r := &Report{Command: Command("cocoeval", "analyse", "gt.json", "it's.json"), Truth: "gt.json", IoU: "bbox", MatchIoU: 0.5}
	var a *analysis.Analysis
	for _, found := range results {
		p := cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)
		p.MatchIoU = 0.5
		e, err := cocoeval.New(d, p)
		require.NoError(t, err)
		require.NoError(t, e.AddResults(found))
		x, err := e.Evaluate()
		require.NoError(t, err)
		o, err := e.Outcomes()
		require.NoError(t, err)
		a = analysis.New(o)
		score := a.Score()
		m := &Model{
			Results: found.File, Images: x.Images, Annotations: x.Annotations, Detections: x.Detections, Stats: x.Stats(), Score: score, Outcomes: o, Found: found,
			TIDE: a.TIDE(), Confusion: a.Confusion(score, analysis.ClassFirst), Thresholds: a.Thresholds(1), Calibration: a.Calibration(10), PerImage: a.Images(score), Unfound: a.Unfound(score),
		}
		m.At = []*analysis.Operating{m.Thresholds.At(score)}
		r.Models = append(r.Models, m)
	}
	return r, a
}

func pageOf(t testing.TB, r *Report) string {
	var b bytes.Buffer
	require.NoError(t, r.Write(&b))
	require.NotContains(t, b.String(), "ZgotmplZ", "html/template trusts everything that it was given")
	require.NotContains(t, b.String(), "%!", "a verb that does not fit")
	require.NotContains(t, b.String(), "http", "nothing comes from elsewhere")
	return b.String()
}

// What the page counts at a score is what the library counts there.
func TestPageCountsAsTheLibraryDoes(t *testing.T) {
	d, found := pairOf(t, 20, 15, 5, 1)
	r, a := report(t, d, found)
	out := testutil.Probe(t, pageOf(t, r), `
await ready;
const c = await unpack("data");
out = JSON.stringify(c.stops.map((score, level) => {
  const r = count(c, level), n = c.classes.length;
  return {score, ignored: r.ignored, tp: sum(r.tp), fp: sum(r.fp), fn: sum(r.fn), cells: [...r.cells].map(([k, v]) => [Math.floor(k / (n + 1)), k % (n + 1), v]),
    images: r.images.map(x => [x.given.filter(g => g[1]).length, x.given.filter(g => !g[1]).length, x.missed.length])};
}));`)
	var levels []struct {
		Score               float64
		Ignored, TP, FP, FN int
		Cells, Images       [][3]int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &levels), out)
	require.Greater(t, len(levels), 100)
	thresholds := a.Thresholds(1)
	confused := 0
	for _, l := range levels {
		at := thresholds.At(l.Score)
		require.Equal(t, []int{at.TP, at.FP, at.FN}, []int{l.TP, l.FP, l.FN}, l.Score)
		c := a.Confusion(l.Score, analysis.ClassFirst)
		require.Equal(t, c.Ignored, l.Ignored)
		var cells [][3]int
		for _, x := range c.Cells {
			cell := [3]int{x.TruthIndex, x.DetectedIndex, x.Count}
			for i := range 2 {
				if cell[i] < 0 {
					cell[i] = 5
				}
			}
			cells = append(cells, cell)
		}
		require.ElementsMatch(t, cells, l.Cells, l.Score)
		confused = max(confused, c.Confused)
		images := make([][3]int, len(l.Images))
		for _, x := range a.Images(l.Score) {
			images[x.Index] = [3]int{x.TP, x.FP, x.FN}
		}
		require.Equal(t, images, l.Images, l.Score)
	}
	require.Positive(t, confused)
}

// Tables can be sorted both ways, filters hide rows, and the score changes what is shown.
func TestPageSortsAndFilters(t *testing.T) {
	d, found := pairOf(t, 12, 6, 3, 2)
	r, a := report(t, d, found)
	out := testutil.Probe(t, pageOf(t, r), `
await ready;
const column = (id, i) => [...$(id).tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[i].textContent);
const click = (id, i) => $(id).tHead.rows[0].cells[i].click(), input = (id, change) => { change($(id)); $(id).dispatchEvent(new Event("input")); };
const o = {first: column("images", 0)};
click("images", 4); o.up = column("images", 4);
click("images", 4); o.down = column("images", 4);
click("images", 0); o.names = column("images", 0);
input("search", e => e.value = "image 1 "); o.one = column("images", 0);
input("search", e => e.value = "");
input("class", e => e.value = 1); o.right = $("n-right").textContent; o.classes = column("classes", 0);
input("class", e => e.value = -1);
input("score", e => e.value = 50); o.score = $("shown").value; o.at = [$("n-precision").textContent, $("n-recall").textContent, $("n-f1").textContent, $("n-right").textContent, $("n-wrong").textContent, $("n-missed").textContent];
o.command = $("command").textContent;
o.matrix = $("matrix").rows.length;
out = JSON.stringify(o);`)
	var o struct {
		First, Up, Down, Names, One, Classes, At []string
		Right, Score, Command                    string
		Matrix                                   int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &o), out)
	worst := a.Images(a.Score())
	for i, x := range worst {
		require.Equal(t, x.File, o.First[i])
	}
	number := func(list []string) (v []int) {
		for _, s := range list {
			n := 0
			_, err := fmt.Sscan(s, &n)
			require.NoError(t, err)
			v = append(v, n)
		}
		return v
	}
	up, down := number(o.Up), number(o.Down)
	require.Len(t, up, 12)
	require.True(t, slices.IsSorted(up), up)
	slices.Reverse(down)
	require.True(t, slices.IsSorted(down), down)
	require.Equal(t, []string{"image 1 & co.jpg", "image 2 & co.jpg", "image 3 & co.jpg"}, o.Names[:3])
	require.Equal(t, "image 12 & co.jpg", o.Names[11])
	require.Equal(t, []string{"image 1 & co.jpg"}, o.One)
	require.Equal(t, []string{"class <2>"}, o.Classes)
	require.NotEqual(t, fmt.Sprint(a.Thresholds(1).At(a.Score()).TP), o.Right)
	var score float64
	_, err := fmt.Sscan(o.Score, &score)
	require.NoError(t, err)
	at := a.Thresholds(1).At(score)
	require.Equal(t, []string{fmt.Sprintf("%.3f", at.Precision), fmt.Sprintf("%.3f", at.Recall), fmt.Sprintf("%.3f", at.F), fmt.Sprint(at.TP), fmt.Sprint(at.FP), fmt.Sprint(at.FN)}, o.At)
	require.Equal(t, `cocoeval analyse gt.json 'it'\''s.json' --score `+o.Score, o.Command)
	require.Equal(t, 5, o.Matrix, "three classes, background, and the names")
}

// Pages of nothing, and of one class, are pages.
func TestPagesOfLittle(t *testing.T) {
	for _, c := range []struct {
		name                   string
		images, boxes, classes int
		results                string
		want                   string
	}{
		{"no results", 3, 2, 1, "[]", "There is no detection"},
		{"no annotations", 3, 0, 2, `[{"image_id":1,"category_id":1,"bbox":[1,1,5,5],"score":0.5}]`, "There is no annotation"},
		{"nothing", 1, 0, 1, "[]", "There is no annotation"},
		{"no images", 0, 0, 1, "[]", "There is no annotation"},
		{"scores that are none", 1, 2, 1, `[{"image_id":1,"category_id":1,"bbox":[1,1,5,5],"score":NaN},{"image_id":1,"category_id":1,"bbox":[1,1,5,5],"score":Infinity},{"image_id":1,"category_id":1,"bbox":[1,1,5,5],"score":-7}]`, "class &lt;1&gt;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _ := pairOf(t, c.images, c.boxes, c.classes, 3)
			found, err := coco.ParseResults([]byte(c.results), "results.json", coco.Boxes)
			require.NoError(t, err)
			r, _ := report(t, d, found)
			text := pageOf(t, r)
			require.Contains(t, text, c.want)
			require.NotRegexp(t, regexp.MustCompile(`>(NaN|[+-]?Inf)<`), text)
			if c.boxes > 0 && c.classes == 1 && c.images > 1 || c.name == "nothing" {
				return // what is empty there, is empty in the others, too
			}
			out := testutil.Probe(t, text, `await ready; out = $("n-right").textContent + " " + $("images").tBodies[0].rows.length;`)
			require.Equal(t, fmt.Sprint("0 ", c.images), out)
		})
	}
}

// Of the size of COCO's val2017 the page has less than 2 MB.
func TestPageIsSmall(t *testing.T) {
	d, found := pairOf(t, 5000, 7, 80, 4)
	r, _ := report(t, d, found)
	require.Less(t, len(pageOf(t, r)), 2<<20)
}

// A class of which nothing is found is the first thing to fix where TIDE sees no cost.
func TestUnfoundClassesAreNamed(t *testing.T) {
	const none, box = `[]`, `[{"image_id":1,"category_id":1,"bbox":[1,1,5,5],"score":0.5}]`
	for _, c := range []struct {
		classes, boxes int
		results, want  string
	}{
		{1, 2, none, "At scores from 0.5 the model finds none of the 2 annotations of class <1>."},
		{1, 1, box, "At scores from 0.5 the model does not find the only annotation of class <1>."},
		{5, 40, none, "of 5 classes: class <"},
	} {
		d, _ := pairOf(t, 1, c.boxes, c.classes, 3)
		found, err := coco.ParseResults([]byte(c.results), "results.json", coco.Boxes)
		require.NoError(t, err)
		r, _ := report(t, d, found)
		require.Contains(t, r.Models[0].Advice()[0], c.want)
		require.Contains(t, pageOf(t, r), "neither Miss nor all misses show what it costs")
	}
}

// What was not made is not said to be right, and has no empty table.
func TestPagesOfSomeParts(t *testing.T) {
	d, found := pairOf(t, 12, 6, 3, 2)
	r, a := report(t, d, found)
	m := r.Models[0]
	at := m.At[0]
	require.Empty(t, m.Unfound)
	require.Positive(t, at.FP+at.FN)
	m.TIDE, m.Confusion, m.Thresholds, m.Calibration, m.PerImage = nil, nil, nil, nil, nil
	text := pageOf(t, r)
	require.NotContains(t, text, "Nothing is wrong")
	require.Contains(t, text, fmt.Sprintf("%d detections are wrong and %d annotations missed", at.FP, at.FN))
	require.NotContains(t, text, `id="classes"`)
	require.Contains(t, text, "(that of the best F1 of all classes pooled)")
	require.Equal(t, fmt.Sprint(at.TP), testutil.Probe(t, text, `await ready; out = $("n-right").textContent;`))

	r.Unscored = r.Command
	require.Contains(t, pageOf(t, r), "(as asked for)")

	m.At = []*analysis.Operating{a.Thresholds(1).At(2)}
	m.At[0].FN, r.Unscored = 0, ""
	text = pageOf(t, r)
	require.Contains(t, text, "Nothing is wrong at this score.")
	require.Contains(t, text, "(no detection counts)")
}

// Commands that make no part alone stand at the top only.
func TestPagesOfWholeCommands(t *testing.T) {
	d, found := pairOf(t, 12, 6, 3, 2)
	r, _ := report(t, d, found)
	r.Command, r.Whole = "spinemask eval folder --analyse=page.html", "It makes the whole page."
	text := pageOf(t, r)
	require.Contains(t, text, r.Whole)
	require.Equal(t, 1, strings.Count(text, `<code class="how">spinemask`))
	require.NotContains(t, text, "--only")
	require.Empty(t, testutil.Probe(t, text, `await ready; out = $("command").textContent;`))
}

func TestCommandsAreQuoted(t *testing.T) {
	require.Equal(t, `cocoeval analyse 'a b.json' --iou=segm 'it'\''s' ''`, Command("cocoeval", "analyse", "a b.json", "--iou=segm", "it's", ""))
	require.False(t, strings.ContainsAny(Command("x"), "'"))
}
