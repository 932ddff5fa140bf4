"""A notice as each receiver takes it, one file a format, which says what its service refuses, and where."""

from __future__ import annotations

from policy_archive.pipelines.notify.formats import discord, own, plain, slack, teams

FORMATS = {
    "json": own.render,
    "slack": slack.render,
    "teams": teams.render,
    "discord": discord.render,
    "text": plain.render,
}
"""Of what is sent by HTTP: a notice in, a Body out."""
