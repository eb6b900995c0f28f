package config

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func families(t *testing.T) map[string]*Config {
	out := map[string]*Config{}
	for _, v := range Variants() {
		for family, make := range map[string]func(string) (*Config, error){
			"tf1": TF1, "tf2": TF2, "mmdet": MMDet,
			"tf1 retinanet": TF1RetinaNet, "tf2 retinanet": TF2RetinaNet,
			"tf1 classification": TF1Classification, "tf2 classification": TF2Classification,
		} {
			c, err := make(v)
			require.NoError(t, err)
			out[family+" "+v] = c
		}
	}
	for _, v := range []string{"v1", "v2"} {
		c, err := Torchvision(v)
		require.NoError(t, err)
		out["torchvision "+v] = c
	}
	for _, v := range []string{"resnet-50", "resnet-101", "resnet-152"} {
		c, err := TF2Classification(v)
		require.NoError(t, err)
		out[v] = c
	}
	return out
}

func TestDefaultsAreValidAndSurviveJSON(t *testing.T) {
	for name, c := range families(t) {
		require.NoError(t, c.Validate(), name)
		data, err := json.Marshal(c)
		require.NoError(t, err)
		back, err := Parse(data)
		require.NoError(t, err, name)
		require.Equal(t, c, back, name)
	}
}

// Configs of the first format stay readable: they are the present ones without the optional sections.
func TestTheFirstFormatIsRead(t *testing.T) {
	c, err := TF2("49")
	require.NoError(t, err)
	data, err := json.Marshal(c)
	require.NoError(t, err)
	first := strings.Replace(string(data), `"format":2`, `"format":1`, 1)
	require.NotEqual(t, string(data), first)
	back, err := Parse([]byte(first))
	require.NoError(t, err)
	require.Equal(t, c, back)
}

func TestObjects(t *testing.T) {
	c, err := TF2("49")
	require.NoError(t, err)
	c.Objects = &Objects{Diameter: 27.5}
	data, err := json.Marshal(c)
	require.NoError(t, err)
	require.Contains(t, string(data), `"objects":{"diameter":27.5}`)
	back, err := Parse(data)
	require.NoError(t, err)
	require.Equal(t, c, back)
	c.Objects.Diameter = 0
	require.EqualError(t, c.Validate(), "config: objects.diameter: 0, want 1 to 65536")
}

// Each kind of model has its sections, and no others.
func TestSections(t *testing.T) {
	all := families(t)
	for name, absent := range map[string][]string{
		"tf1 retinanet 49":      {"rpn", "roi_align", "box_head", "mask_head", "masks", "classifier"},
		"tf1 classification 49": {"anchors", "boxes", "rpn", "roi_align", "box_head", "mask_head", "retina_head", "detections", "masks"},
		"tf1 49":                {"retina_head", "classifier"},
	} {
		data, err := json.Marshal(all[name])
		require.NoError(t, err)
		var sections map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &sections))
		for _, s := range absent {
			require.NotContains(t, sections, s, name)
		}
	}
	c := all["tf1 retinanet 49"]
	c.MaskHead.Filters = 3
	require.EqualError(t, c.Validate(), `config: mask_head: a model of the kind "retinanet" has no such section`)
	c = all["tf1 classification 49"]
	c.Input.Height, c.Backbone.PoolRule = 200, PoolRuleChain
	require.EqualError(t, c.Validate(), "config: input: 200×224, want multiples of 128, so that the maps of all levels fit")
}

// ILSVRC 2012 has "tench" first and "toilet tissue" last; row 0 is the background (tpu: classification's 1001 classes).
func TestImageNet(t *testing.T) {
	c, err := TF1Classification("49")
	require.NoError(t, err)
	require.Equal(t, 1001, c.Classes())
	require.Equal(t, -1, c.BackgroundRow())
	require.Equal(t, Category{ID: 0, Name: "background"}, c.CategoryAt(0))
	require.Equal(t, Category{ID: 1, Name: "tench"}, c.CategoryAt(1))
	require.Equal(t, Category{ID: 1000, Name: "toilet tissue"}, c.CategoryAt(1000))
}

func TestUnknownVariantNamesTheKnown(t *testing.T) {
	_, err := TF1("50")
	require.EqualError(t, err, `config: SpineNet variant "50", want one of ["49S" "49" "96" "143" "143L" "190"]`)
	_, err = Torchvision("v3")
	require.EqualError(t, err, `config: torchvision version "v3", want "v1" or "v2"`)
}

func TestParseReadsTheBuiltInModel(t *testing.T) {
	data, err := os.ReadFile("testdata/nuclei.json")
	require.NoError(t, err)
	c, err := Parse(data)
	require.NoError(t, err)
	require.Equal(t, PasteExact, c.Masks.Paste)
	require.Equal(t, 2, c.Classes())
	require.Equal(t, Category{ID: 1, Name: "nucleus"}, c.CategoryAt(1))
	require.Equal(t, 3, c.Anchors.PerPlace())
	require.Equal(t, 5, c.Backbone.Levels())
}

func TestParseRefuses(t *testing.T) {
	c, err := TF2("49")
	require.NoError(t, err)
	data, err := json.Marshal(c)
	require.NoError(t, err)
	good := string(data)
	for name, test := range map[string]struct{ text, want string }{
		"unknown field":  {strings.Replace(good, `"name"`, `"nickname"`, 1), `config: json: unknown field "nickname"`},
		"other format":   {strings.Replace(good, `"format":2`, `"format":3`, 1), "config: format 3, want 1 or 2"},
		"trailing data":  {good + "{}", "config: invalid character '{' after top-level value"},
		"wrong type":     {strings.Replace(good, `"clip":"canvas"`, `"clip":7`, 1), "boxes.clip of type config.Clip"},
		"unknown value":  {strings.Replace(good, `"clip":"canvas"`, `"clip":"square"`, 1), `config: boxes.clip: "square", want "canvas" or "canvas_minus_one" or "image" or "image_minus_one"`},
		"not JSON":       {"model", "config: invalid character 'm' looking for beginning of value"},
		"nothing at all": {"", "config: unexpected end of JSON input"},
	} {
		require.NotEqual(t, good, test.text, name)
		_, err := Parse([]byte(test.text))
		require.ErrorContains(t, err, test.want, name)
	}
}

func TestValidateListsEveryProblem(t *testing.T) {
	c, err := TF1("49S")
	require.NoError(t, err)
	c.Model = "yolo"
	c.Input.Height = 0
	c.Input.Std[1] = 0
	c.Input.PadMultiple = 32
	c.Backbone.MaxLevel = 2
	c.Anchors.AspectRatios = nil
	c.RPN.NMSRule = "soft"
	c.BoxHead.FC = []int{512, -1}
	c.Detections.Max = 0
	c.Categories[4].ID = 1
	require.EqualError(t, c.Validate(), strings.Join([]string{
		`config: model: "yolo", want "mask_rcnn" or "retinanet" or "classification"`,
		`config: categories[4].id: 1 is there twice`,
		`config: input.height: 0, want 1 to 65536`,
		`config: input.std[1]: 0, want 0.0001 to 10000`,
		`config: backbone.max_level: 2, want 3 to 12`,
		`config: input.pad_multiple: 32, want a multiple of 128, so that the maps of all levels fit`,
		`config: anchors.aspect_ratios: number: 0, want 1 to 64`,
		`config: detections.max: 0, want 1 to 1048576`,
		`config: rpn.nms_rule: "soft", want "gt" or "ge" or "ge_tiled" or "plus_one_gt" or "offset_gt" or "offset_all_gt"`,
		`config: roi_align.min_level: 3, want 3 to 2`,
		`config: roi_align.max_level: 7, want 3 to 2`,
		`config: box_head.fc[1]: -1, want 1 to 16384`,
	}, "\n"))
}

func TestValidateResNet(t *testing.T) {
	c, err := Torchvision("v1")
	require.NoError(t, err)
	c.Backbone.Depth = 101
	require.NoError(t, c.Validate())
	c.Backbone.Depth = 34
	c.Input.PadMultiple = 1
	require.EqualError(t, c.Validate(), strings.Join([]string{
		"config: backbone.depth: 34, want 50, 101 or 152",
		"config: input.pad_multiple: 1, want a multiple of 32, so that the maps of all levels fit",
	}, "\n"))
}

// The empty config has a problem in every switch: a new switch without a check would be missing here.
func TestEverySwitchIsChecked(t *testing.T) {
	err := new(Config).Validate()
	require.Error(t, err)
	for _, field := range []string{
		"model", "background", "activation", "input.fit", "input.resize", "input.normalize", "backbone.type", "backbone.strided_padding",
		"backbone.pool_padding", "anchors.style", "boxes.coding", "boxes.delta_limit", "boxes.clip", "rpn.nms_rule", "roi_align.rule",
		"roi_align.level_rule", "detections.nms_rule", "masks.paste",
	} {
		require.ErrorContains(t, err, "config: "+field+": \"\", want ")
	}
}

func TestBackgroundRow(t *testing.T) {
	c := &Config{Categories: []Category{{3, "a"}, {5, "b"}}, Background: BackgroundFirst}
	require.Equal(t, 0, c.BackgroundRow())
	require.Equal(t, "b", c.CategoryAt(2).Name)
	c.Background = BackgroundLast
	require.Equal(t, 2, c.BackgroundRow())
	require.Equal(t, "b", c.CategoryAt(1).Name)
}

func TestCOCORows(t *testing.T) {
	c, err := MMDet("49")
	require.NoError(t, err)
	require.Equal(t, 81, c.Classes())
	require.Equal(t, Category{ID: 90, Name: "toothbrush"}, c.CategoryAt(80))
	c, err = TF1("49")
	require.NoError(t, err)
	require.Equal(t, 91, c.Classes())
	require.Equal(t, Category{ID: 90, Name: "toothbrush"}, c.CategoryAt(90))
}

// TestCloneSharesNothing: changes of a copy, in every field that is a reference, leave the config as it was.
func TestCloneSharesNothing(t *testing.T) {
	c, err := MMDet("49")
	require.NoError(t, err)
	c.Objects = &Objects{}
	before, err := json.Marshal(c)
	require.NoError(t, err)
	d := c.Clone()
	require.Equal(t, c, d)
	d.Categories[0].Name, d.Anchors.AspectRatios[0], d.BoxHead.FC[0] = "changed", 9, 9
	*d.Objects = Objects{Diameter: 5}
	after, err := json.Marshal(c)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

// TestWrittenBoxes: of the original systems only mmdetection 1.x adds one to the sides that it writes. A config that was
// written before says so as well as a new one.
func TestWrittenBoxes(t *testing.T) {
	for name, c := range families(t) {
		want := BoxCodingPlain
		if strings.HasPrefix(name, "mmdet") {
			want = BoxCodingPlusOne
		}
		require.Equal(t, want, c.Boxes.Written(), name)
	}
}
