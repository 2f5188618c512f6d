package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/carrel-dev/carrel/core"
	"github.com/carrel-dev/carrel/core/abi"
	"github.com/carrel-dev/carrel/core/workspace"
)

// Installation is a plugin enabled in a workspace.
type Installation struct {
	ID        core.InstallationID    `json:"id"`
	Alias     string                 `json:"alias" doc:"Its name in this workspace's addresses."`
	Plugin    string                 `json:"plugin" example:"carrel/crm"`
	Title     string                 `json:"title"`
	Summary   string                 `json:"summary"`
	Version   string                 `json:"version"`
	Digest    core.Digest            `json:"digest"`
	State     core.InstallationState `json:"state" enum:"enabled,disabled"`
	Included  bool                   `json:"included" doc:"In the workspace's plan; if not, it does not run."`
	Grants    []core.Grant           `json:"grants" nullable:"false" doc:"What it may do."`
	Settings  json.RawMessage        `json:"settings" doc:"Without the secret ones."`
	Secrets   []string               `json:"secrets" nullable:"false" doc:"Which secret settings are set."`
	Revision  int64                  `json:"revision" doc:"Counts changes; the ETag."`
	CreatedAt time.Time              `json:"createdAt"`
	UpdatedAt time.Time              `json:"updatedAt"`
}

func installationView(i workspace.Installed) Installation {
	return Installation{
		i.ID, i.Alias, i.Plugin.String(), i.Title, i.Summary, i.Version, i.Digest, i.State, i.Included,
		orEmpty(i.Grants), i.Settings, orEmpty(i.Secrets), i.Revision, i.Created, i.Updated,
	}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type installationOutput struct {
	ETag string `header:"ETag"`
	Body Installation
}

func installationAnswer(i workspace.Installed) *installationOutput {
	return &installationOutput{`"` + strconv.FormatInt(i.Revision, 10) + `"`, installationView(i)}
}

// InInstallation is the part of an input that names an installation.
type InInstallation struct {
	InWorkspace
	Plugin string `path:"plugin" doc:"Alias, plugin name or id."`
}

// Conditional is the part of an input that makes a change conditional.
type Conditional struct {
	IfMatch string `header:"If-Match" doc:"The ETag you saw; the change is refused when it is no longer the current one."`
}

// revision reads an If-Match header. 0: any.
func (m Conditional) revision() (int64, error) {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return 0, nil
	}
	tag, opened := strings.CutPrefix(m.IfMatch, `"`)
	tag, closed := strings.CutSuffix(tag, `"`)
	if n, err := strconv.ParseInt(tag, 10, 64); err == nil && n > 0 && opened && closed {
		return n, nil
	}
	var wrong core.Violations
	wrong.Add("header.If-Match", `is not an ETag of an installation, like "3"`)
	return 0, wrong.Err("api.revision", "Send the ETag as it was in the answer.")
}

// InstallRequest is what a person asks for and consents to.
type InstallRequest struct {
	Plugin   string          `json:"plugin" example:"crm" doc:"name or publisher/name."`
	Version  string          `json:"version,omitempty" doc:"Absent: the newest."`
	Alias    string          `json:"alias,omitempty" doc:"Its name in addresses. Absent: the plugin's."`
	Grants   []core.Grant    `json:"grants,omitempty" nullable:"false" doc:"Consent: exactly the capabilities the release asks for."`
	Settings json.RawMessage `json:"settings,omitempty" doc:"An object, as the release's schema says."`
}

// Preview says what an installation would bring.
type Preview struct {
	Release      Release                 `json:"release"`
	Alias        string                  `json:"alias"`
	Capabilities []abi.CapabilityRequest `json:"capabilities" nullable:"false" doc:"To consent to, with the author's reasons."`
	Settings     json.RawMessage         `json:"settings" doc:"With the defaults."`
	Kept         core.Footprint          `json:"kept" doc:"What an earlier installation left and this one would find."`
	Problems     []PreviewProblem        `json:"problems" nullable:"false" doc:"What stands in its way. Empty: it can be installed."`
}

// PreviewProblem is one thing that stands in the way of an installation.
type PreviewProblem struct {
	Kind   core.Kind       `json:"kind"`
	Detail string          `json:"detail"`
	Errors []abi.Violation `json:"errors,omitempty"`
}

func (a *API) installations() {
	register(a, readInstalled, describe("GET /workspaces/{ws}/installations", "listInstallations", "List what is installed"),
		func(ctx context.Context, in *InWorkspace) (*List[Installation], error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			installed, err := a.Installations.List(ctx, p.ID, p.Actor)
			return mapped(installed, installationView, ""), err
		})

	install := describe("POST /workspaces/{ws}/installations", "install", "Install a plugin")
	install.Description = "The plugin's install hook, its default data and the installation itself happen together or not at all. Ask for a preview first to see what to consent to."
	install.DefaultStatus = http.StatusCreated
	register(a, writeInstalled, install, func(ctx context.Context, in *struct {
		InWorkspace
		Body InstallRequest
	}) (*installationOutput, error) {
		p, err := a.enter(ctx, in.WS)
		if err != nil {
			return nil, err
		}
		installed, err := a.Installations.Install(ctx, p.ID, p.Actor, workspace.InstallRequest(in.Body))
		if err != nil {
			return nil, named("plugin", err)
		}
		return installationAnswer(installed), nil
	})

	type previewOutput struct{ Body Preview }
	preview := describe("POST /workspaces/{ws}/installations/preview", "previewInstallation", "What would installing a plugin do?")
	preview.Description = "Changes nothing."
	register(a, writeInstalled, preview, func(ctx context.Context, in *struct {
		InWorkspace
		Body InstallRequest
	}) (*previewOutput, error) {
		p, err := a.enter(ctx, in.WS)
		if err != nil {
			return nil, err
		}
		would, err := a.Installations.Preview(ctx, p.ID, p.Actor, workspace.InstallRequest(in.Body))
		if err != nil {
			return nil, named("plugin", err)
		}
		out := Preview{
			Release: releaseView(would.Release), Alias: would.Alias, Capabilities: orEmpty(would.Capabilities),
			Settings: would.Settings, Kept: would.Kept, Problems: []PreviewProblem{},
		}
		for _, problem := range would.Problems {
			problem = inBody(problem)
			out.Problems = append(out.Problems,
				PreviewProblem{core.KindOf(problem), core.MessageOf(problem), core.ViolationsOf(problem)})
		}
		return &previewOutput{out}, nil
	})

	register(a, readInstalled, describe("GET /workspaces/{ws}/installations/{plugin}", "getInstallation", "Get an installation"),
		func(ctx context.Context, in *InInstallation) (*installationOutput, error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			installed, _, err := a.Installations.Get(ctx, p.ID, p.Actor, in.Plugin)
			if err != nil {
				return nil, err
			}
			return installationAnswer(installed), nil
		})

	register(a, writeInstalled, describe("PATCH /workspaces/{ws}/installations/{plugin}", "configureInstallation", "Enable, disable or configure an installation"),
		func(ctx context.Context, in *struct {
			InInstallation
			Conditional
			Body struct {
				State    string          `json:"state,omitempty" enum:"enabled,disabled"`
				Settings json.RawMessage `json:"settings,omitempty" doc:"Merged into the present ones: what is left out stays, null removes."`
			}
		}) (*installationOutput, error) {
			p, err := a.enter(ctx, in.WS)
			if err != nil {
				return nil, err
			}
			revision, err := in.revision()
			if err != nil {
				return nil, err
			}
			installed, err := a.Installations.Configure(ctx, p.ID, p.Actor, in.Plugin, workspace.ConfigureRequest{
				State: core.InstallationState(in.Body.State), Settings: in.Body.Settings, Revision: revision,
			})
			if err != nil {
				return nil, inBody(err)
			}
			return installationAnswer(installed), nil
		})

	type receiptOutput struct {
		Body struct {
			Plugin string         `json:"plugin"`
			Data   string         `json:"data" enum:"keep,erase"`
			Erased core.Footprint `json:"erased" doc:"Rows that are gone."`
			Left   core.Footprint `json:"left" doc:"Rows that are still there; an installation of the same plugin finds them."`
		} `nameHint:"Receipt"`
	}
	uninstall := describe("DELETE /workspaces/{ws}/installations/{plugin}", "uninstall", "Uninstall a plugin")
	uninstall.Description = "Answers a receipt of what is gone and what is left."
	register(a, writeInstalled, uninstall, func(ctx context.Context, in *struct {
		InInstallation
		Conditional
		Data     string `query:"data" required:"true" enum:"keep,erase" doc:"What happens to the plugin's data."`
		SkipHook bool   `query:"skipHook" doc:"Don't run the plugin's uninstall hook: for one that fails."`
	}) (*receiptOutput, error) {
		p, err := a.enter(ctx, in.WS)
		if err != nil {
			return nil, err
		}
		revision, err := in.revision()
		if err != nil {
			return nil, err
		}
		receipt, err := a.Installations.Uninstall(ctx, p.ID, p.Actor, in.Plugin, workspace.UninstallRequest{
			Data: in.Data, SkipHook: in.SkipHook, Revision: revision,
		})
		if err != nil {
			return nil, placed("query", err)
		}
		out := new(receiptOutput)
		out.Body.Plugin, out.Body.Data, out.Body.Erased, out.Body.Left = receipt.Plugin.String(), receipt.Data, receipt.Erased, receipt.Left
		return out, nil
	})
}
