"""The root command with its global options, and how errors become exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from maf_core.cli import version_line
from maf_core.errors import MAFError
from maf_core.plugins.selection import FOLDER, PLUGINS
from maf_core.records import CommandSpec, resolve

# Built-in commands: where they live, and their line in --help, so that help imports none of them.
COMMANDS = {
    "actions": ("maf_core.cli.actions:cli", "Approve or reject actions that wait, and see what became of them."),
    "arena": ("maf_core.cli.arena:cli", "List arenas and run them."),
    "channels": ("maf_core.cli.channels:cli", "See the streams, what is on them, and what was given up."),
    "dashboard": ("maf_core.cli.dashboard:dashboard", "Serve the dashboard over HTTP."),
    "demo": ("maf_core.cli.demo:demo", "Run the whole system on real bars, with no key and no server."),
    "doctor": ("maf_core.cli.doctor:doctor", "Say what is wrong here, and what to do about it."),
    "halt": ("maf_core.cli.trading:halt", "Stop trading at once."),
    "llm": ("maf_core.cli.llm:cli", "See which models there are, and whether they answer."),
    "memory": ("maf_core.cli.memory:cli", "See what arenas remember, and what came of it."),
    "plugins": ("maf_core.cli.plugins:cli", "See which plugins are installed and what they give."),
    "reduce": ("maf_core.cli.trading:reduce", "Let positions be closed, and open nothing more."),
    "resume": ("maf_core.cli.trading:resume", "Trade again."),
    "service": ("maf_core.cli.service:cli", "Run the workers."),
    "sources": ("maf_core.cli.sources:cli", "See which sources there are, and what they answer."),
    "status": ("maf_core.cli.status:status", "Say how everything does, and what asks for you."),
    "trading-state": ("maf_core.cli.trading:trading_state", "Say whether MAF trades, and what is open."),
    "trigger": ("maf_core.cli.trigger:cli", "Find ready-made trigger rules, and try your own."),
    "watch": ("maf_core.cli.watch:cli", "Say which symbols to keep an eye on."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is run, and asks plugins only for names it does not know."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The built-in commands, then those of plugins."""
        return [*COMMANDS, *(name for name in _plugin_commands() if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by name, imported now."""
        if cmd_name in COMMANDS:
            found: click.Command = resolve(COMMANDS[cmd_name][0])
            return found
        spec = _plugin_commands().get(cmd_name)
        return spec.load() if spec else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands with their summaries, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])
        plugins = [(name, spec.summary) for name, spec in _plugin_commands().items() if name not in COMMANDS]
        if plugins:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(plugins)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown command says where it might come from."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            known = ", ".join(self.list_commands(ctx))
            ctx.fail(f"There is no command {name!r}; there are {known}. A plugin may bring more: maf plugins list.")
        return super().resolve_command(ctx, args)


def _plugin_commands() -> dict[str, CommandSpec]:
    from maf_core.plugins import PluginManager

    return PluginManager.load().records("maf_commands", CommandSpec)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(version_line())
        ctx.exit()


def _set(variable: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """An option that becomes an environment variable: it counts before anything is loaded, and for child processes."""

    def callback(_: click.Context, __: click.Parameter, value: Any) -> None:
        if value is not None:
            os.environ[variable] = str(value)

    return callback


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--plugins",
    metavar="A,B",
    callback=_set(PLUGINS),
    expose_value=False,
    is_eager=True,
    help="Load only these plugins (default: all that are installed).",
)
@click.option(
    "--no-plugins",
    flag_value="",
    is_flag=True,
    default=None,
    callback=_set(PLUGINS),
    expose_value=False,
    is_eager=True,
    help="Load no plugins.",
)
@click.option(
    "--plugins-dir",
    metavar="DIR",
    callback=_set(FOLDER),
    expose_value=False,
    is_eager=True,
    help="Load the one-file plugins in this folder too.",
)
@click.option(
    "--version",
    is_flag=True,
    callback=_print_version,
    expose_value=False,
    is_eager=True,
    help="Show the version.",
)
def cli() -> None:
    """MAF: market decisions by panels of agents.

    Try it: maf demo
    """


def run() -> None:
    """Run a command: exit 0 when it worked, 2 when it was asked wrongly, 1 when it failed."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except MAFError as error:
        click.echo(f"maf: {error}", err=True)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if not type(error).__module__.startswith("redis."):  # asked by name: importing redis costs every command
            raise
        click.echo(
            f"maf: The connection to Redis failed: {error}. Is the server still there? Then try again.", err=True
        )
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
