"""What workers need, imported once: they are forked from a process that has done nothing else."""

import psycopg
import sqlalchemy.ext.asyncio

import bench.measures
import invoicepay.adapters.group_commit.tasks
import invoicepay.adapters.group_commit.threads
import invoicepay.adapters.simulated
import invoicepay.adapters.sql
import invoicepay.awaiting
import invoicepay.blocking
